"""Simulates the scaler of deploy/kubernetes and others on days of work: no cluster, no GPU.

scaler.py      reads triggers and scaling rates from deploy/; other scalers to compare with
history.py     scraped and recorded samples
promql.py      PURE: evaluates PromQL, where every metric is one series
prometheus.py  scrapes, and evaluates the recording rules
autoscaler.py  PURE: query results -> pods, as Kubernetes' autoscaler and KEDA decide
fleet.py       pods that load, work, are stopped and are killed
days.py        the workloads: bursts, ten million files, cold starts, spot machines
playing.py     simulates one day with one scaler
comparing.py   all days with all scalers: the output of `python -m bench autoscale`
"""
