"""Declarations of the dashboards, and the files generated from them.

declaring.py        Dashboard, Row, Panel, Query: frozen values
fleet.py            the dashboard Fleet
fleet_work.py       its panels on backlog and throughput
fleet_devices.py    its panels on GPUs
fleet_trouble.py    its panels on errors and Redis
job.py              the dashboard Job
worker.py           the dashboard Worker
worker_work.py      its panels on stages, files and batches
worker_slot.py      its panels on a slot and its device
dashboards.py       all three, and the position of each panel
grafana.py          PURE: a dashboard -> Grafana's JSON
prometheus_rule.py  PURE: the rule files -> one PrometheusRule for Kubernetes
queries.py          every query of panels and alerts, for tests
reading.py          queries Prometheus for the series of a query
units.py            PURE: numbers formatted with their units
drawing.py          a dashboard -> a PNG
plots.py            one panel -> a plot
"""
