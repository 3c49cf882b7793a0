"""How a worker tells what it is doing; the only room that imports prometheus_client.

catalogue.py   every metric, declared once: name, help, labels, buckets
metrics.py     the catalogue as prometheus_client objects, one set of files per slot
observers.py   events -> metrics and log lines
logs.py        one structured line per event, text or JSON
devices.py     what NVML and psutil say of each slot, read at every scrape
resident.py    this process's resident memory
server.py      /metrics, /healthz, /readyz in a process of its own
"""
