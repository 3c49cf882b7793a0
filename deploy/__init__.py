"""How a fleet is deployed and watched; README.md says which of it you want.

generate.py  writes the dashboards and the rules of Kubernetes; `--check` only compares
picture.py   draws a dashboard as a PNG, from a Prometheus
generating   what both are made of
"""
