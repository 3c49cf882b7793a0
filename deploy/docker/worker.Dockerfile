# `fleet worker`, on NVIDIA GPUs or on CPUs.
#
#   docker build -f deploy/docker/worker.Dockerfile -t funasr-fleet-worker .
#   docker build -f deploy/docker/worker.Dockerfile -t funasr-fleet-worker:paraformer-zh \
#     --target with-models --build-arg FLEET_MODEL=paraformer-zh .
#   docker build -f deploy/docker/worker.Dockerfile -t funasr-fleet-worker:cpu \
#     --build-arg PIP_EXTRA_INDEX_URL=ADDRESS .
#
# The base is Debian's Python and not nvidia/cuda: torch's wheels include the CUDA libraries that they
# were built with, and the NVIDIA Container Toolkit provides the driver's libraries from the host. A
# CUDA image would add several GB that are never loaded. The third command is for machines without a
# GPU: ADDRESS is the index URL of PyTorch's CPU wheels, which are several GB smaller.
#
# The tests run on this Python and this Debian. Pin them by digest (name@sha256:...) for production
# builds.
ARG PYTHON=3.11
ARG DEBIAN=bookworm

# the full image, because some dependencies of FunASR are source packages, and crcmod needs a compiler
FROM python:${PYTHON}-${DEBIAN} AS build
ARG PIP_EXTRA_INDEX_URL=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
# dependencies first, as a layer of several GB that stays cached, also in registries and on GPU
# machines, until one of these files changes. constraints.txt pins no CUDA library, because torch
# requires exact versions
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
print(*p['dependencies'] + p['optional-dependencies']['worker'], sep='\n')" > requirements.txt \
 && python -m venv /opt/fleet \
 && /opt/fleet/bin/pip install --use-pep517 --constraint constraints.txt -r requirements.txt
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
# a numeric user, which runAsNonRoot requires. The root file system may be read-only: files are written
# only to HOME (models from a hub, and numba's cache for this kind of CPU: keep it), /tmp (on disk:
# fetched files, up to FLEET_MAX_BYTES each) and FLEET_RUN_DIR (a few MB, may be a tmpfs)
RUN useradd --uid 10001 --user-group --no-log-init --shell /usr/sbin/nologin \
      --create-home --home-dir /var/lib/fleet fleet \
 && install --directory --owner fleet --group fleet --mode 0700 /run/fleet
COPY --from=build /opt/fleet /opt/fleet
COPY --from=build /opt/app /opt/app
COPY deploy/docker/healthy.py /opt/healthy.py
# utility is NVML: temperatures and the list of GPUs. Which GPUs a container sees is set where it is
# started (--gpus, a device plugin), never here: `all` would override that
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
# on SIGTERM files in progress are finished or requeued; allow FLEET_DRAIN_S + 20 s
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
  CMD ["python", "/opt/healthy.py"]
ENTRYPOINT ["fleet"]
CMD ["worker"]

# Downloads the models from their hub and transcribes the canary with them, so that an image whose
# models do not work is not built. Workers then start without a hub.
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

# the default target: models come from their hub at the first start, or from a mount
FROM base AS worker
