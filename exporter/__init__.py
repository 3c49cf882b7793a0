"""`fleet exporter`: what waits, how far jobs are, and how Redis does, for Prometheus and KEDA.

It needs no worker, no torch and no S3, so that a fleet that was scaled to nothing is seen, and can
be called back.

catalogue.py  every metric, declared once
values.py     what a scrape finds, as frozen values
snapshot.py   asks Redis for it
readings.py   PURE: a snapshot -> samples
serving.py    /metrics, /healthz and /readyz
deletion_cost.py  which worker pods Kubernetes may end first
kubernetes.py     its API, as far as that needs it
"""
