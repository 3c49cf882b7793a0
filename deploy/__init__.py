"""Deployment and monitoring of a fleet; README.md lists the variants.

generate.py  generates the dashboards and the PrometheusRule; `--check` only compares
picture.py   draws a dashboard as a PNG, from a Prometheus
generating   declarations of both
"""
