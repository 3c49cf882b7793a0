#!/bin/sh
# Writes .env beside compose.yaml with generated passwords; keeps an existing file.
set -eu
cd "$(dirname "$0")"
if [ -e .env ]; then
  echo "deploy/compose/.env already exists" >&2
  exit 0
fi

secret() {
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

umask 077
cat > .env <<END
# settings of compose.yaml, including passwords: keep this file secret

# cpu, or gpu where the NVIDIA Container Toolkit is installed; before you change it:
# docker compose --profile cpu --profile gpu down
COMPOSE_PROFILES=cpu
# demo recognises digits and needs no hub, for evaluation; then paraformer-zh, SenseVoiceSmall ...
FLEET_MODEL=demo

# your own S3 instead of the one in compose.yaml: its endpoint (https://s3.eu-west-1.amazonaws.com) and
# keys, S3_BUCKETS= so that no buckets are created, and a prefix in a bucket for \`fleet transcribe\`
#S3_ENDPOINT=
#S3_REGION=
#S3_BUCKETS=
#FLEET_SCRATCH=s3://bucket/scratch/
S3_ACCESS_KEY=$(secret)
S3_SECRET_KEY=$(secret)

VALKEY_PASSWORD=$(secret)
VALKEY_MAXMEMORY=1gb
GRAFANA_PASSWORD=$(secret)
END
echo "wrote deploy/compose/.env; the Grafana user is admin, with GRAFANA_PASSWORD from that file"
