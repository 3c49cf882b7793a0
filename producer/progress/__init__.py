"""PURE: derive the progress of a job from the ledger's counts, and format it for humans.

measuring  state and progress of a job and its workers
repair     how to repair a job of unknown state
eta        throughput, remaining audio, ETA and its basis, cost
humanize   numbers and times as text
"""
