"""Metrics, logs and health pages of a worker; the only package that imports prometheus_client.

catalogue  every metric, declared once: name, help, labels, buckets
metrics    the catalogue as prometheus_client objects, one set of files per slot
observers  events -> metrics and log lines
logs       one structured line per event, text or JSON
devices    readings of NVML and psutil for each slot, taken at each scrape
server     /metrics, /healthz, /readyz in a process of its own
"""
