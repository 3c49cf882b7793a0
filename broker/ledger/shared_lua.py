"""Lua functions that the scripts of workers and producers share; KEYS[1] is the job's base key."""

from funasr_fleet.broker.ledger.file_warnings import WARNED, WARNINGS
from funasr_fleet.broker.ledger.keys import KEYS_OF_JOB
from funasr_fleet.broker.ledger.values import (
    EXAMPLES_PER_KIND,
    KINDS,
    OUTCOMES,
)
from funasr_fleet.contract.job import MAX_INDEX

UNDECLARED_LISTED = 100
"""Maximum number of listed jobs without a declared number of files; the newest are kept."""

UNPLANNED_KEPT, _REMOVED_AT_ONCE = 1_000, 50
"""Number of jobs without a plan above which some are removed, 50 at a time."""

UNPLANNED_INDEXES = 1 << 20
"""Number of indexes counted in a job without a plan: a bitmap has at most 128 KiB."""


def _table(names: tuple[str, ...]) -> str:
    return "{" + ", ".join(f"'{name}'" for name in names) + "}"


SHARED = f"""
local base = KEYS[1]
local OUTCOMES, KINDS, WARNINGS = {_table(OUTCOMES)}, {_table(KINDS)}, {_table(WARNINGS)}
local NAMES = {_table(KEYS_OF_JOB)}
local function at(name) return base .. ':' .. name end
local function known(index)
  for _, name in ipairs(OUTCOMES) do
    if redis.call('GETBIT', at(name), index) == 1 then return name end
  end
end
local function clear_warnings(index)
  for _, kind in ipairs(WARNINGS) do
    local bits = at('warning:' .. kind)
    if redis.call('EXISTS', bits) == 1 and redis.call('SETBIT', bits, index, 0) == 1 then
      redis.call('HINCRBY', base, '{WARNED}', -1)
      redis.call('HDEL', at('warning_examples:' .. kind), index)
    end
  end
end
local function clear(index, before)
  redis.call('SETBIT', at(before), index, 0)
  clear_warnings(index)
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
local function count_outcomes()
  local total = 0
  for _, name in ipairs(OUTCOMES) do total = total + redis.call('BITCOUNT', at(name)) end
  return total
end
local function expire_in(seconds)
  redis.call('EXPIRE', base, seconds)
  for _, name in ipairs(NAMES) do redis.call('EXPIRE', at(name), seconds) end
end
local function persist()
  redis.call('PERSIST', base)
  for _, name in ipairs(NAMES) do redis.call('PERSIST', at(name)) end
end
local function expire_too()
  local left = redis.call('TTL', base)
  if left > 0 then expire_in(left) end
end
local function is_closed() return redis.call('HEXISTS', base, 'closed_at') == 1 end
local function outdate_report()
  if is_closed() then redis.call('HSET', base, 'marker_outdated', 1) end
  redis.call('HDEL', base, 'closed_at')
  redis.call('HINCRBY', base, 'rounds', 1)
end
local function has_plan()
  return redis.call('HEXISTS', base, 'created_at') == 1
    and redis.call('HEXISTS', base, 'declared') == 0
end
local function is_foreign(output)
  return output ~= '' and has_plan() and (redis.call('HGET', base, 'output') or output) ~= output
end
local function limit()
  if not has_plan() then
    return math.max({UNPLANNED_INDEXES}, redis.call('HGET', base, 'closed_files') or 0)
  end
  local plan = redis.call('HMGET', base, 'published', 'rebuilding', 'files')
  if plan[1] ~= '1' or plan[2] or not plan[3] then return {MAX_INDEX + 1} end
  return tonumber(plan[3])
end
local function is_counted(index) return tonumber(index) < limit() end
local function see_first(output, time)
  redis.call('HSETNX', base, 'output', output)
  if redis.call('HSETNX', base, 'first_seen', time) == 1 then
    redis.call('HSET', base, 'marker_outdated', 1)
  end
end
local function output_of_outdated_marker()
  if redis.call('HEXISTS', base, 'marker_outdated') == 1 then
    return redis.call('HGET', base, 'output')
  end
end
local function limit_unplanned(list, time, job)
  local unplanned = list .. ':unplanned'
  if redis.call('ZADD', unplanned, time, job) == 0 then return end
  local excess = #redis.call('ZRANGE', unplanned, 0, -{UNPLANNED_KEPT + 1})
  if excess % {_REMOVED_AT_ONCE} ~= 1 then return end
  local before = string.sub(base, 1, -1 - #job)
  local removable = {{{{}}, {{}}, {{}}, {{}}}}
  local asked = {{'cancelled_at', 'closed_at', 'declared', 'first_seen'}}
  for _, old in ipairs(redis.call('ZRANGE', unplanned, 0, {2 * UNPLANNED_KEPT})) do
    local meta = redis.call('HMGET', before .. old, unpack(asked))
    if old == job or meta[1] or redis.call('HLEN', before .. old .. ':shards') > 0 then
      redis.call('ZADD', unplanned, time, old)
    else
      local rank = not meta[4] and 1 or meta[2] and 2 or meta[3] and 4 or 3
      table.insert(removable[rank], old)
    end
  end
  local left = excess + {_REMOVED_AT_ONCE}
  for _, olds in ipairs(removable) do
    for _, old in ipairs(olds) do
      if left == 0 then return end
      left = left - 1
      redis.call('DEL', before .. old)
      for _, name in ipairs(NAMES) do redis.call('DEL', before .. old .. ':' .. name) end
      for _, names in ipairs({{unplanned, list, list .. ':undeclared'}}) do
        redis.call('ZREM', names, old)
      end
    end
  end
end
local function list_undeclared(list, time, job)
  local undeclared = list .. ':undeclared'
  redis.call('ZADD', undeclared, 'NX', time, job)
  local oldest = redis.call('ZRANGE', undeclared, 0, -{UNDECLARED_LISTED + 1})
  if #oldest > 0 then redis.call('ZREM', undeclared, unpack(oldest)) end
end
local function list_job(list, time, job)
  redis.call('ZADD', list, 'NX', time, job)
  redis.call('ZREM', list .. ':undeclared', job)
end
local function declare(files)
  redis.call('HSETNX', base, 'created_at', redis.call('HGET', base, 'first_seen'))
  redis.call('HSET', base, 'published', 1, 'windows', 0, 'declared', 1, 'files', files)
end
local function blamed(index)
  for _, kind in ipairs(KINDS) do
    if redis.call('GETBIT', at('kind:' .. kind), index) == 1 then return true end
  end
  return false
end
local function add_example(examples, index, example)
  if redis.call('HLEN', examples) < {EXAMPLES_PER_KIND} then
    redis.call('HSET', examples, index, example)
  end
end
local function blame(index, kind, example)
  if kind == '' then return end
  redis.call('SETBIT', at('kind:' .. kind), index, 1)
  add_example(at('examples:' .. kind), index, example)
end
local function warn(index, kind, example)
  local is_known = redis.call('SETBIT', at('warning:' .. kind), index, 1)
  if is_known == 0 then redis.call('HINCRBY', base, '{WARNED}', 1) end
  add_example(at('warning_examples:' .. kind), index, example)
end
"""
"""Functions over the keys of one job.

`declare` sets the number of files of a job without a plan. `outdate_report` reopens a closed job
and marks its _SUCCESS marker in S3 as outdated, until the caller has deleted the marker or the job
is closed again. A process that read the counts before that cannot close the job. `has_plan` is true
if a producer opened the job. `is_foreign` is true for another output than that of the plan: results
there are not results of the job. `is_counted` is true if an index is below `limit`: the files of a
published plan, and while a plan is published or rebuilt any index. Without a plan, the number of
files that a command declared can raise the limit, but the number in a message cannot. `see_first`
sets the missing fields of a job of another client. If Redis does not know the job, the marker
counts as outdated: S3 may have one from before the keys of the job expired or were lost.
`limit_unplanned` deletes jobs of other clients beyond UNPLANNED_KEPT, and the names of those that
have expired: first those that are closed, then those without a declared number of files, then the
others; in each group, the oldest first, by their last shard. Jobs with an open shard and cancelled
jobs are kept, and are examined again after the others.
`list_undeclared` lists a job without a declared number of files, and removes the oldest such jobs
from the list if there are more than UNDECLARED_LISTED. `list_job` lists any other job."""
