"""PURE: what the ledger's counts mean to people.

measuring.py      a job's state, throughput and ETA, put together
speed.py          throughput of the last minutes and since the start
outlook.py        audio that waits, ETA with its basis, cost
worker_view.py    what workers said of themselves
failure_groups.py failures by kind
repair.py         what to do when the plan is lost
wording.py        numbers and times as people read them
"""
