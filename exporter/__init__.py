"""`fleet exporter`: backlog, progress of jobs and state of Redis, for Prometheus and KEDA.

It needs no worker, no torch and no S3, so that a fleet scaled to 0 still has metrics and can be
scaled up again.

metrics        PURE: every metric, declared once, and the samples of a snapshot of the fleet
snapshot       reads a snapshot from Redis
serving        /metrics, /healthz and /readyz
deletion_cost  marks busy worker pods, so that Kubernetes deletes idle ones first
"""
