# `fleet worker`, on NVIDIA GPUs or on CPUs.
#
#   docker build -f deploy/docker/worker.Dockerfile -t funasr-fleet-worker .
#   docker build -f deploy/docker/worker.Dockerfile -t funasr-fleet-worker:paraformer-zh \
#     --target with-models --build-arg FLEET_MODEL=paraformer-zh .
#   docker build -f deploy/docker/worker.Dockerfile -t funasr-fleet-worker:cpu \
#     --build-arg PIP_EXTRA_INDEX_URL=ADDRESS .
#
# The base is Debian's Python and not nvidia/cuda: torch's wheels bring the CUDA libraries that they
# were built with, and the driver's come from the host by the NVIDIA Container Toolkit. An image of
# CUDA would add some GB that nothing loads. The third line is for machines without a GPU: ADDRESS is
# that of PyTorch's wheels for CPUs, which are some GB smaller.
#
# The tests run on this Python and this Debian. Pin them by digest (name@sha256:...) where you build
# what you run.
ARG PYTHON=3.11
ARG DEBIAN=bookworm

# the full image: some of what FunASR needs comes as source, and crcmod wants a compiler
FROM python:${PYTHON}-${DEBIAN} AS build
ARG PIP_EXTRA_INDEX_URL=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
# without the packages of the fleet this installs what they need and nothing else: a layer of GBs
# that stays the same, on registries and GPU machines too, until one of these files changes.
# constraints.txt names no CUDA library; torch asks for exact versions of its own
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN python -m venv /opt/fleet \
 && /opt/fleet/bin/pip install --use-pep517 --constraint constraints.txt '.[worker]' \
 && /opt/fleet/bin/pip uninstall --yes funasr-fleet
COPY . .
RUN /opt/fleet/bin/pip install --no-deps --target /opt/app .

FROM python:${PYTHON}-slim-${DEBIAN} AS base
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="funasr-fleet worker" \
      org.opencontainers.image.description="Turns recordings in S3 into transcripts" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# a user by number, so that runAsNonRoot can tell. The root file system may be read-only: what is
# written goes to HOME (models of a hub, and what numba compiles for this kind of CPU: keep it), /tmp
# (a disk: files in hand, up to FLEET_MAX_BYTES each) and FLEET_RUN_DIR (some MB: a tmpfs will do)
RUN useradd --uid 10001 --user-group --no-log-init --shell /usr/sbin/nologin \
      --create-home --home-dir /var/lib/fleet fleet \
 && install --directory --owner fleet --group fleet --mode 0700 /run/fleet
COPY --from=build /opt/fleet /opt/fleet
COPY --from=build /opt/app /opt/app
COPY deploy/docker/healthy.py /opt/healthy.py
# utility is NVML: temperatures, and which GPUs there are. Which of them a container sees is said
# where it is started (--gpus, a device plugin), never here: `all` would undo that
ENV PATH=/opt/app/bin:/opt/fleet/bin:$PATH \
    PYTHONPATH=/opt/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/fleet \
    NUMBA_CACHE_DIR=/var/lib/fleet/numba \
    FLEET_RUN_DIR=/run/fleet \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
WORKDIR /var/lib/fleet
EXPOSE 9464
# on SIGTERM files in hand are finished or given back; allow FLEET_DRAIN_S + 20 s
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
  CMD ["python", "/opt/healthy.py"]
ENTRYPOINT ["fleet"]
CMD ["worker"]

# Fetches the models from their hub, and transcribes the canary with them: an image whose models do
# not work is not built. Start-up then needs no hub.
FROM base AS models
ARG FLEET_MODEL=paraformer-zh
ARG FLEET_VAD_MODEL=fsmn-vad
ARG FLEET_PUNC_MODEL=""
ARG FLEET_SPK_MODEL=""
COPY deploy/docker/bake.py /opt/bake.py
RUN python /opt/bake.py /var/lib/fleet/models

FROM base AS with-models
ARG FLEET_MODEL=paraformer-zh
ARG FLEET_VAD_MODEL=fsmn-vad
ARG FLEET_PUNC_MODEL=""
ARG FLEET_SPK_MODEL=""
COPY --from=models /var/lib/fleet/models /opt/models
ENV FLEET_MODEL=/opt/models/${FLEET_MODEL} \
    FLEET_VAD_MODEL=/opt/models/${FLEET_VAD_MODEL} \
    FLEET_PUNC_MODEL=${FLEET_PUNC_MODEL:+/opt/models/${FLEET_PUNC_MODEL}} \
    FLEET_SPK_MODEL=${FLEET_SPK_MODEL:+/opt/models/${FLEET_SPK_MODEL}}

# what is built without --target: models come from their hub at the first start, or from a mount
FROM base AS worker
