"""State of a shard in Redis that workers share.

attempts    how often a shard was started, and how its processes crashed
shard_lock  at most one process works on a shard
"""
