#!/bin/sh
# Writes .env beside compose.yaml, with passwords of its own; one that is there stays.
set -eu
cd "$(dirname "$0")"
if [ -e .env ]; then
  echo "deploy/compose/.env is there already" >&2
  exit 0
fi

secret() {
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

umask 077
cat > .env <<END
# what the fleet of compose.yaml is to be; keep it to yourself

# cpu, or gpu where the NVIDIA Container Toolkit is installed; before you change it:
# docker compose --profile cpu --profile gpu down
COMPOSE_PROFILES=cpu
# demo hears digits, and needs no hub: for a first try. Then paraformer-zh, SenseVoiceSmall ...
FLEET_MODEL=demo

# an S3 that you have instead of the one in compose.yaml: its address (https://s3.eu-west-1.amazonaws.com),
# its keys, no bucket to make, and a folder in one of its own for \`fleet transcribe\`
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
echo "wrote deploy/compose/.env; Grafana's user is admin, with GRAFANA_PASSWORD of that file"
