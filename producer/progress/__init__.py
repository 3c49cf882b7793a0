"""PURE: derive the progress of a job from the ledger's counts, and format it for humans.

measuring       state, throughput and ETA of a job
throughput      throughput of the last minutes and since the start
eta             remaining audio, ETA and its basis, cost
worker_view     the worker children as `fleet status` shows them
failure_groups  failures by kind
repair          the command that repairs a job whose state is unknown
humanize        numbers and times as text
"""
