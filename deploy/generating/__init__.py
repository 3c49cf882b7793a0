"""The dashboards as they are declared, and what is made of them.

declaring.py        Dashboard, Row, Panel, Query: frozen values
fleet.py            the dashboard Fleet
fleet_work.py       its panels on what waits and what is done
fleet_devices.py    its panels on GPUs
fleet_trouble.py    its panels on what goes wrong, and on Redis
job.py              the dashboard Job
worker.py           the dashboard Worker
worker_work.py      its panels on stages, files and batches
worker_slot.py      its panels on a slot and its device
dashboards.py       all three, and where each panel stands
grafana.py          PURE: a dashboard -> Grafana's JSON
prometheus_rule.py  PURE: the files of rules -> one PrometheusRule for Kubernetes
queries.py          every query of panels and alerts, for tests
reading.py          asks a Prometheus for the series of a query
units.py            PURE: numbers as people read them
drawing.py          a dashboard -> a picture
plots.py            one panel of it
"""
