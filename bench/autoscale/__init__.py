"""The scaler of deploy/kubernetes played against days of work, beside others: no cluster, no GPU.

scaler.py      deploy/ -> what the scaler asks, and how fast it may act; others that ask otherwise
history.py     samples that were scraped or recorded
promql.py      PURE: what Prometheus answers, where every metric is one series
prometheus.py  what is scraped, and the rules over it
autoscaler.py  PURE: answers -> pods, as Kubernetes' autoscaler and KEDA decide
fleet.py       pods that load, work, are ended and are killed
days.py        what comes, and when: bursts, ten million files, cold starts, spot machines
playing.py     one day with one scaler; what came of it
comparing.py   all days with all scalers: what `python -m bench autoscale` prints
"""
