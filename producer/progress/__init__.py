"""PURE: derive the progress of a job from the ledger's counts, and format it for humans.

measuring    state and progress of a job, and the repair of one whose state is unknown
eta          throughput, remaining audio, ETA and its basis, cost
worker_view  the worker children as `fleet status` shows them
humanize     numbers and times as text
"""
