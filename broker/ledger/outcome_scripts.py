"""The atomic updates of workers, in Lua; KEYS[1] is the job's base key.

Repeating an update does not change a job's totals, so a redelivered message is counted once.
"""

from funasr_fleet.broker.ledger.shared_lua import SHARED

RECORD = (
    SHARED
    + """
local index, outcome, audio_ms, weak = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
local shard, bucket, kind, example = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local job, output, now, keep_s, name = ARGV[9], ARGV[10], ARGV[11], ARGV[12], ARGV[13]
if is_foreign(output) then return {output_of_outdated_marker() or '', 0} end
local is_seen = redis.call('HEXISTS', base, 'created_at') == 1
  or redis.call('HEXISTS', base, 'first_seen') == 1
if output ~= '' and not is_seen then
  see_first(output, now)
  limit_unplanned(KEYS[2], now, job)
  list_undeclared(KEYS[2], now, job)
  expire_in(keep_s)
end
if shard ~= '' and redis.call('HEXISTS', at('shards'), shard) == 1 then
  redis.call('HINCRBY', at('shards'), shard, -1)
end
if not is_counted(index) then
  if not has_plan() then redis.call('HSET', base, 'unindexed', 1) end
  return {output_of_outdated_marker() or '', 0}
end
local before = known(index)
local open = before ~= outcome and before ~= 'ok' and before ~= 'empty'
if before and weak and not open then return {'', 1} end
if (outcome == 'failed' or before == 'failed') and not has_plan() then
  local names = at('failed_names')
  local kept = before == 'failed' and redis.call('HGET', names, index)
  name = name ~= '' and string.sub(redis.sha1hex(name), 1, 12)
  local is_another = kept and name and kept ~= name
  if outcome ~= 'failed' and is_another then
    return {output_of_outdated_marker() or '', 1}
  end
  if not kept or outcome ~= 'failed' then redis.call('HDEL', names, index) end
  local has_room = kept or redis.call('HLEN', names) < 100000
  if outcome == 'failed' and name and has_room then
    redis.call('HSET', names, index, is_another and 'several' or name)
  end
end
if before then clear(index, before) else count(1) end
redis.call('SETBIT', at(outcome), index, 1)
if outcome == 'failed' then blame(index, kind, example) end
for i = 14, #ARGV do warn(index, ARGV[i], example) end
local is_planned = tonumber(index) < tonumber(redis.call('HGET', base, 'files') or 0)
if is_planned and before ~= outcome and (before or is_closed()) then outdate_report() end
if open then redis.call('HINCRBY', base, 'audio_ms', audio_ms) end
if open and outcome ~= 'skipped' and outcome ~= 'cancelled' then
  local minute = math.floor(redis.call('TIME')[1] / 60)
  redis.call('HINCRBY', at('minutes'), 'f' .. minute, 1)
  redis.call('HINCRBY', at('minutes'), 'a' .. minute, audio_ms)
  if outcome == 'failed' then redis.call('HINCRBY', at('minutes'), 'x' .. minute, 1) end
  if bucket ~= '' then redis.call('HINCRBY', at('latency'), bucket, 1) end
end
expire_too()
return {output_of_outdated_marker() or '', 1}
"""
)
"""Record a file's outcome, replacing an earlier one. A weak outcome does not replace ok, empty or
the same outcome. If a client gave two files one index, the success of one does not replace the
failure of the other. A file's audio is counted once; after a failed, cancelled or skipped outcome,
it is counted when the file succeeds. A changed outcome reopens a closed job, so that its report is
written again. If Redis has lost the job, it is listed again, and other jobs may be removed
(limit_unplanned). An outcome with another output than that of the plan is not counted. In a job
without a plan, an index that is not counted is like a missing one. Returns the output prefix of the
job if its _SUCCESS marker is outdated, else '', and whether the index is counted.
ARGV: index, outcome, ms, weak, shard, bucket, kind, example, job, output or '', time, seconds to
keep, output name, warning, ..."""

SETTLE = (
    SHARED
    + """
if redis.call('EXISTS', base) == 0 or is_foreign(ARGV[2]) then return 0 end
local changed = 0
for i = 3, #ARGV do
  if is_counted(ARGV[i]) and not known(ARGV[i]) then
    redis.call('SETBIT', at(ARGV[1]), ARGV[i], 1)
    changed = changed + 1
  end
end
count(changed)
expire_too()
return changed
"""
)
"""Set one outcome for all given files without one, unless Redis has lost the job.
ARGV: outcome, output or '', indexes."""

ADD_WORK = (
    SHARED
    + """
local ms, output, shard = unpack(ARGV)
if is_foreign(output) then return end
if shard then
  redis.call('HDEL', at('shards'), shard)
  redis.call('HDEL', at('postponed'), shard)
end
if redis.call('EXISTS', base) == 1 then redis.call('HINCRBY', base, 'work_ms', ms) end
"""
)
"""Add time to the work of a job, unless Redis has lost the job: the key would never expire. Record
that a shard has ended, if one is given. A shard with another output than that of the plan is
ignored, here and below. ARGV: ms, output or '', shard."""

AWAIT = (
    SHARED
    + """
if is_foreign(ARGV[1]) then return end
for i = 2, #ARGV do redis.call('HSETNX', at('shards'), ARGV[i], 0) end
"""
)
"""Open shards without files in flight, unless they are open. ARGV: output or '', shards."""

BEGIN_SHARD = (
    SHARED
    + """
local shard, in_flight, job, output, files, now, keep_s, unindexed = unpack(ARGV)
if is_foreign(output) then return output_of_outdated_marker() end
redis.call('HSET', at('shards'), shard, in_flight)
redis.call('HDEL', at('postponed'), shard)
redis.call('HSETNX', base, 'begun_at', now)
if has_plan() then
  list_job(KEYS[2], redis.call('HGET', base, 'created_at'), job)
  expire_too()
  return output_of_outdated_marker()
end
see_first(output, now)
limit_unplanned(KEYS[2], now, job)
if unindexed == '1' then redis.call('HSET', base, 'unindexed', 1) end
if files ~= '' then
  declare(math.max(files, redis.call('HGET', base, 'files') or 0))
end
local list = redis.call('HEXISTS', base, 'declared') == 1 and list_job or list_undeclared
list(KEYS[2], redis.call('HGET', base, 'first_seen'), job)
if is_closed() then outdate_report() else redis.call('HINCRBY', base, 'rounds', 1) end
expire_in(keep_s)
return output_of_outdated_marker()
"""
)
"""Record a started shard, and when the first shard of the job was started; list the job. A shard
with another output than that of the plan is ignored. If no producer opened the job, the script also
raises its number of files to the number in the shard and its number of rounds, reopens the job if
it is closed, renews the expiry of its keys, and removes other jobs if there are too many
(limit_unplanned). Returns the output prefix of the job if its _SUCCESS marker is outdated.
ARGV: shard, files in flight, job, output, files of the job or '', time, seconds to keep, whether a
file has no index."""

SUSPEND = (
    SHARED
    + """
if is_foreign(ARGV[4]) or redis.call('HEXISTS', at('shards'), ARGV[1]) == 0 then return end
redis.call('HSET', at('shards'), ARGV[1], 0)
if ARGV[2] == '' then return end
redis.call('HSET', at('postponed'), ARGV[1], ARGV[2])
redis.call('HSET', base, 'postponed_message', ARGV[3])
expire_too()
"""
)
"""Set a shard's files in flight to 0, and record why it is postponed. A shard that has ended
elsewhere is not reopened. ARGV: shard, reason or '', message, output or ''."""
