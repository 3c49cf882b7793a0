# All commands except `fleet worker`: enqueue, status, exporter ... Without torch and audio libraries.
#
#   docker build -f deploy/docker/producer.Dockerfile -t funasr-fleet-producer .
#
# The tests run on this Python and this Debian. Pin them by digest (name@sha256:...) for production
# builds.
ARG PYTHON=3.11
ARG DEBIAN=bookworm

FROM python:${PYTHON}-slim-${DEBIAN} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
# dependencies first, as a layer that is cached until one of these files changes
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
print(*p['dependencies'], sep='\n')" > requirements.txt \
 && python -m venv /opt/fleet \
 && /opt/fleet/bin/pip install --use-pep517 --constraint constraints.txt -r requirements.txt
COPY . .
RUN /opt/fleet/bin/pip install --no-deps --target /opt/app .

FROM python:${PYTHON}-slim-${DEBIAN} AS producer
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="funasr-fleet producer" \
      org.opencontainers.image.description="Enqueues recordings in S3 and monitors jobs" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# a numeric user, which runAsNonRoot requires. The root file system may be read-only: files are written
# only to HOME, /tmp (on disk: `enqueue` keeps 16 bytes per file there) and FLEET_RUN_DIR
RUN useradd --uid 10001 --user-group --no-log-init --shell /usr/sbin/nologin \
      --create-home --home-dir /var/lib/fleet fleet \
 && install --directory --owner fleet --group fleet --mode 0700 /run/fleet
COPY --from=build /opt/fleet /opt/fleet
COPY --from=build /opt/app /opt/app
COPY deploy/docker/healthy.py /opt/healthy.py
ENV PATH=/opt/app/bin:/opt/fleet/bin:$PATH \
    PYTHONPATH=/opt/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/fleet \
    FLEET_RUN_DIR=/run/fleet
USER 10001:10001
WORKDIR /var/lib/fleet
EXPOSE 9465
STOPSIGNAL SIGTERM
# only the exporter has a health check, set where it is started: python /opt/healthy.py 9465
HEALTHCHECK NONE
ENTRYPOINT ["fleet"]
CMD ["--help"]
