"""The atomic updates of producers, in Lua; KEYS[1] is the job's base key.

Repeating an update does not change a job's totals.
"""

from funasr_fleet.broker.ledger.shared_lua import SHARED

REOPEN = (
    SHARED
    + """
for i = 1, #ARGV do
  local before = known(ARGV[i])
  if before then
    clear(ARGV[i], before)
    count(-1)
  end
  redis.call('SETBIT', at('reopened'), ARGV[i], 1)
end
outdate_report()
"""
)
"""Discard outcomes, and mark the files as reopened until they are published. ARGV: indexes."""

BEGIN = """
if redis.call('HSETNX', KEYS[1], 'created_at', ARGV[1]) == 0 then return 0 end
for i = 2, #ARGV - 1, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', KEYS[1], 'windows_counted', 0)
redis.call('HDEL', KEYS[1], 'unindexed')
redis.call('ZADD', KEYS[2], ARGV[1], ARGV[#ARGV])
redis.call('ZREM', KEYS[2] .. ':undeclared', ARGV[#ARGV])
redis.call('ZREM', KEYS[2] .. ':unplanned', ARGV[#ARGV])
return 1
"""
"""Create a job. Atomic, or a reader might see a job without some of its fields.
ARGV: time, field, value, ..., name."""

END_PUBLISHING = """
local windows = ARGV[1]
if windows == '' then windows = redis.call('BITCOUNT', KEYS[1] .. ':windows') end
redis.call('HSET', KEYS[1], 'published', 1, 'windows', windows)
redis.call('HDEL', KEYS[1], 'rebuilding')
"""
"""Mark the plan as complete, with its number of windows so that lost windows are detected.
ARGV: number of windows, or '' for the number counted."""

COMPLETE = (
    SHARED
    + """
redis.call('HSETNX', base, 'created_at', ARGV[1])
for i = 2, #ARGV - 1, 2 do redis.call('HSETNX', base, ARGV[i], ARGV[i + 1]) end
list_job(KEYS[2], ARGV[1], ARGV[#ARGV])
redis.call('HDEL', base, 'declared', 'unindexed')
redis.call('ZREM', KEYS[2] .. ':unplanned', ARGV[#ARGV])
if redis.call('HEXISTS', base, 'closed_at') == 0 then persist() end
"""
)
"""Set the missing fields of a job, add it to the list, and remove the expiry of its keys unless it
is closed. If Redis lost the job, workers may have treated it as a job without a producer, whose
keys expire. ARGV as for BEGIN."""

REBUILD = (
    COMPLETE
    + """
redis.call('DEL', at('windows'))
redis.call('HSET', base, 'published', 0, 'files', 0, 'estimated_ms', 0)
redis.call('HSET', base, 'recorded', count_outcomes())
redis.call('HSET', base, 'rebuilding', 1, 'windows_counted', 0)
return redis.call('HGET', base, 'audio_ms') or 0
"""
)
"""Set missing fields and reset the window counters, so that all windows can be counted again and no
file is counted twice, whichever keys were lost. The job is not whole until the rebuild ends.
ARGV as for BEGIN; returns the audio counted so far."""

REMOVE = (
    SHARED
    + """
if redis.call('EXISTS', at('windows')) == 1 or redis.call('HEXISTS', base, 'cancelled_at') == 1 then
  return 0
end
redis.call('ZREM', KEYS[2], ARGV[1])
for i = 2, #ARGV do redis.call('DEL', ARGV[i]) end
return 1
"""
)
"""Delete a job without planned windows. ARGV: name, all of its keys."""

DROP_UNCLAIMED = """
local shards = redis.call('HGETALL', KEYS[1])
for i = 1, #shards, 2 do
  if redis.call('EXISTS', ARGV[1] .. shards[i]) == 0 then redis.call('HDEL', KEYS[1], shards[i]) end
end
"""
"""Remove the open shards of a job that no process has locked. ARGV: prefix of their lock keys, to
which the shard's name is added."""

CLOSE = """
if redis.call('HLEN', KEYS[1] .. ':shards') > 0 then return 0 end
if tonumber(redis.call('HGET', KEYS[1], 'rounds') or 0) ~= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'closed_at', ARGV[2])
redis.call('HDEL', KEYS[1], 'marker_outdated')
return 1
"""
"""Close a job, unless a shard is open, or files were published or shards of another client were
started since its counts were read. ARGV: rounds, time."""

PLAN = (
    SHARED
    + """
if redis.call('SETBIT', at('windows'), ARGV[1], 1) == 1 then return 0 end
if redis.call('HEXISTS', base, 'windows_counted') == 1 then
  redis.call('HINCRBY', base, 'windows_counted', 1)
end
redis.call('HINCRBY', base, 'files', ARGV[2])
redis.call('HINCRBY', base, 'estimated_ms', ARGV[3])
for i = 4, #ARGV do
  if not known(ARGV[i]) then
    redis.call('SETBIT', at('skipped'), ARGV[i], 1)
    count(1)
  end
end
expire_too()
return 1
"""
)
"""Count a window of files once. ARGV: number, files, estimated ms, indexes of finished files."""

RESTORE = (
    SHARED
    + """
local added_ms, warned = 0, tonumber(redis.call('HGET', base, 'warned') or 0)
for i = 1, #ARGV, 6 do
  local counted = is_counted(ARGV[i])
  local before = known(ARGV[i])
  if counted and not before then
    redis.call('SETBIT', at(ARGV[i + 1]), ARGV[i], 1)
    added_ms = added_ms + ARGV[i + 2]
    count(1)
  end
  local is_failed = (before or 'failed') == 'failed' and ARGV[i + 1] == 'failed'
  if counted and is_failed and not blamed(ARGV[i]) then
    blame(ARGV[i], ARGV[i + 3], ARGV[i + 4])
  end
  for kind in string.gmatch(ARGV[i + 5], '[^,]+') do
    local is_missing = not before or (before == ARGV[i + 1] and kind ~= 'unknown')
    if counted and is_missing then warn(ARGV[i], kind, ARGV[i + 4]) end
  end
end
local total = 0
for _, kind in ipairs(WARNINGS) do
  total = total + redis.call('BITCOUNT', at('warning:' .. kind))
end
redis.call('HSET', base, 'warned', math.max(warned, total))
redis.call('HINCRBY', base, 'audio_ms', added_ms)
redis.call('HINCRBY', base, 'restored_ms', added_ms)
expire_too()
return added_ms
"""
)
"""Restore outcomes found in S3 for files without an outcome, missing reasons of failures, and
missing warnings. `warned` already counts the warnings that Redis had lost, so it is only raised if
more warnings are known. ARGV: index, outcome, ms, kind of failure, example, kinds of warning
separated by commas, ...; returns the audio added, in ms."""

DECLARE = (
    SHARED
    + """
see_first(ARGV[2], ARGV[3])
list_job(KEYS[2], redis.call('HGET', base, 'first_seen'), ARGV[4])
local outcomes = tostring(count_outcomes())
local before = redis.call('HMGET', base, 'files', 'recorded')
if is_closed() and (before[1] ~= ARGV[1] or before[2] ~= outcomes) then outdate_report() end
declare(ARGV[1])
redis.call('HSET', base, 'recorded', outcomes, 'closed_files', ARGV[1])
expire_in(ARGV[5])
return output_of_outdated_marker()
"""
)
"""Set the number of files of a job without a producer. Files whose outcome Redis has lost count as
waiting. A closed job is reopened if its number of files changes, or if Redis has lost outcomes.
ARGV: number, output, time, job, seconds to keep. Returns the output prefix of the job if its
_SUCCESS marker is outdated."""
