"""`fleet exporter`: backlog, progress of jobs and state of Redis, for Prometheus and KEDA.

It needs no worker, no torch and no S3, so that a fleet scaled to 0 still has metrics and can be
scaled up again.

catalogue.py      every metric, declared once
values.py         the state of the fleet at one scrape, as frozen values
snapshot.py       reads it from Redis
samples.py        PURE: a snapshot -> samples
serving.py        /metrics, /healthz and /readyz
deletion_cost.py  marks busy worker pods, so that Kubernetes deletes idle ones first
kubernetes.py     the client of the Kubernetes API for it
"""
