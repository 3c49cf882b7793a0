"""The ledger's atomic updates, in Lua; KEYS[1] is the job's base key.

Repeating an update does not change a job's totals, so a redelivered message is counted once.
"""

from funasr_fleet.broker.ledger.values import EXAMPLES_PER_KIND, KINDS, OUTCOMES, PARTS


def _table(names: tuple[str, ...]) -> str:
    return "{" + ", ".join(f"'{name}'" for name in names) + "}"


_SHARED = f"""
local base = KEYS[1]
local OUTCOMES, KINDS, PARTS = {_table(OUTCOMES)}, {_table(KINDS)}, {_table(PARTS)}
local function at(name) return base .. ':' .. name end
local function known(index)
  for _, name in ipairs(OUTCOMES) do
    if redis.call('GETBIT', at(name), index) == 1 then return name end
  end
end
local function clear(index, before)
  redis.call('SETBIT', at(before), index, 0)
  if before ~= 'failed' then return end
  for _, kind in ipairs(KINDS) do
    if redis.call('EXISTS', at('kind:' .. kind)) == 1 then
      redis.call('SETBIT', at('kind:' .. kind), index, 0)
      redis.call('HDEL', at('examples:' .. kind), index)
    end
  end
end
local function count(change)
  if change ~= 0 then redis.call('HINCRBY', base, 'recorded', change) end
end
local function expire_too()
  local left = redis.call('TTL', base)
  if left <= 0 then return end
  for _, name in ipairs(OUTCOMES) do redis.call('EXPIRE', at(name), left) end
  for _, name in ipairs(PARTS) do redis.call('EXPIRE', at(name), left) end
end
local function blamed(index)
  for _, kind in ipairs(KINDS) do
    if redis.call('GETBIT', at('kind:' .. kind), index) == 1 then return true end
  end
  return false
end
local function blame(index, kind, example)
  if kind == '' then return end
  redis.call('SETBIT', at('kind:' .. kind), index, 1)
  local examples = at('examples:' .. kind)
  if redis.call('HLEN', examples) < {EXAMPLES_PER_KIND} then
    redis.call('HSET', examples, index, example)
  end
end
"""

RECORD = (
    _SHARED
    + """
local index, outcome, audio_ms, weak = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
local shard, bucket, kind, example = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
if shard ~= '' and redis.call('HEXISTS', at('shards'), shard) == 1 then
  redis.call('HINCRBY', at('shards'), shard, -1)
end
local before = known(index)
local open = before ~= outcome and before ~= 'ok' and before ~= 'empty'
if before and weak and not open then return 0 end
if before then clear(index, before) else count(1) end
redis.call('SETBIT', at(outcome), index, 1)
if outcome == 'failed' then blame(index, kind, example) end
expire_too()
if not open then return 1 end
redis.call('HINCRBY', base, 'audio_ms', audio_ms)
if outcome == 'skipped' or outcome == 'cancelled' then return 1 end
local minute = math.floor(redis.call('TIME')[1] / 60)
redis.call('HINCRBY', at('minutes'), 'f' .. minute, 1)
redis.call('HINCRBY', at('minutes'), 'a' .. minute, audio_ms)
if outcome == 'failed' then redis.call('HINCRBY', at('minutes'), 'x' .. minute, 1) end
if bucket ~= '' then redis.call('HINCRBY', at('latency'), bucket, 1) end
return 1
"""
)
"""Record a file's outcome, replacing an earlier one. A weak outcome does not replace ok, empty or
the same outcome. A file's audio is counted once; after a failed, cancelled or skipped outcome, it
is counted when the file succeeds. ARGV: index, outcome, ms, weak, shard, bucket, kind, example."""

SETTLE = (
    _SHARED
    + """
local changed = 0
for i = 2, #ARGV do
  if not known(ARGV[i]) then
    redis.call('SETBIT', at(ARGV[1]), ARGV[i], 1)
    changed = changed + 1
  end
end
count(changed)
expire_too()
return changed
"""
)
"""Set one outcome for all given files without one. ARGV: outcome, indexes."""

REOPEN = (
    _SHARED
    + """
for i = 1, #ARGV do
  local before = known(ARGV[i])
  if before then
    clear(ARGV[i], before)
    count(-1)
  end
  redis.call('SETBIT', at('reopened'), ARGV[i], 1)
end
redis.call('HDEL', base, 'closed_at')
redis.call('HINCRBY', base, 'rounds', 1)
"""
)
"""Discard outcomes, and mark the files as reopened until they are published. A process that read
the counts before cannot close the job any more, since `rounds` changes. ARGV: indexes."""

BEGIN = """
if redis.call('HSETNX', KEYS[1], 'created_at', ARGV[1]) == 0 then return 0 end
for i = 2, #ARGV - 1, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('ZADD', KEYS[2], ARGV[1], ARGV[#ARGV])
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

COMPLETE = """
redis.call('HSETNX', KEYS[1], 'created_at', ARGV[1])
for i = 2, #ARGV - 1, 2 do redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('ZADD', KEYS[2], 'NX', ARGV[1], ARGV[#ARGV])
"""
"""Set the missing fields of a job, and add it to the list. ARGV as for BEGIN."""

REBUILD = (
    _SHARED
    + COMPLETE
    + """
local outcomes = 0
for _, name in ipairs(OUTCOMES) do outcomes = outcomes + redis.call('BITCOUNT', at(name)) end
redis.call('DEL', at('windows'))
redis.call('HSET', base, 'published', 0, 'files', 0, 'estimated_ms', 0, 'recorded', outcomes)
redis.call('HSET', base, 'rebuilding', 1)
return redis.call('HGET', base, 'audio_ms') or 0
"""
)
"""Set missing fields and reset the window counters, so that all windows can be counted again and no
file is counted twice, whatever was lost. Until the rebuild ends, the job does not count as whole.
ARGV as for BEGIN; returns the audio counted so far."""

REMOVE = (
    _SHARED
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

SUSPEND = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then redis.call('HSET', KEYS[1], ARGV[1], 0) end
"""
"""Set a shard's files in flight to 0. A shard that has ended elsewhere is not reopened."""

DROP_UNCLAIMED = """
local shards = redis.call('HGETALL', KEYS[1])
for i = 1, #shards, 2 do
  if redis.call('EXISTS', ARGV[1] .. shards[i]) == 0 then redis.call('HDEL', KEYS[1], shards[i]) end
end
"""
"""Remove the open shards of a job that no process has locked. ARGV: prefix of their lock keys, to
which the shard's name is added."""

CLOSE = """
if tonumber(redis.call('HGET', KEYS[1], 'rounds') or 0) ~= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'closed_at', ARGV[2])
return 1
"""
"""Close a job, unless files were published again since its counts were read. ARGV: rounds, time."""

PLAN = (
    _SHARED
    + """
if redis.call('SETBIT', at('windows'), ARGV[1], 1) == 1 then return 0 end
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
    _SHARED
    + """
local added_ms = 0
for i = 1, #ARGV, 5 do
  local before = known(ARGV[i])
  if not before then
    redis.call('SETBIT', at(ARGV[i + 1]), ARGV[i], 1)
    added_ms = added_ms + ARGV[i + 2]
    count(1)
  end
  if (before or 'failed') == 'failed' and ARGV[i + 1] == 'failed' and not blamed(ARGV[i]) then
    blame(ARGV[i], ARGV[i + 3], ARGV[i + 4])
  end
end
redis.call('HINCRBY', base, 'audio_ms', added_ms)
redis.call('HINCRBY', base, 'restored_ms', added_ms)
expire_too()
return added_ms
"""
)
"""Restore outcomes found in S3 for files without an outcome, and missing reasons of failures.
ARGV: index, outcome, ms, kind, example, ...; returns the audio added."""
