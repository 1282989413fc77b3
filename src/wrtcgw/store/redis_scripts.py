"""
What Redis does for the store, in Lua, so that looking at a lease and writing under it is one step.

Keys, all below ``wrtcgw:``; a database holds the records of one installation:

``version``
    of this layout. When it is missing where it should be, somebody has emptied the database.
``fence``
    the highest fencing token that was given away.
``leases``
    a sorted set: the keys of agents, by the time (of the server, in seconds) until which their leases last; 0 for
    those that were given back. It has every agent with a record or a lease.
``agent:<key>``
    a hash: ``data``, ``node`` and ``written`` (the fence) of the record; ``owner`` and ``fence`` of the lease. Without
    record and lease it stays for a day, so that a gateway that was stopped meanwhile cannot write what is long over.
    Something else at that place is nobody's record, and a script goes on with the other accounts; a gateway that has
    the agent itself puts its record there.

Who writes shows the fence of its lease. One that is lower than what is there is refused. One that is higher is taken:
then the server has lost its newest data (it was restarted, or a replica took over), and the gateway that has them is
right. All scripts get ``KEYS`` in the order version, fence, leases, agents.
"""

PREFIX = b"wrtcgw:"
VERSION = "1"
KEPT_SECONDS = 86_400

COMMON = (
    f"""
local VERSION, KEPT_SECONDS = '{VERSION}', {KEPT_SECONDS}
"""
    """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local emptied = 0
if redis.call('EXISTS', KEYS[1]) == 0 then
  emptied = 1
  redis.call('SET', KEYS[1], VERSION)
end
local function is_no_hash(reply)
  return type(reply) == 'table' and reply.err and string.find(reply.err, 'WRONGTYPE', 1, true)
end
local function fields(agent, ...)
  local found = redis.pcall('HMGET', agent, ...)
  if is_no_hash(found) then
    return {false, false}
  end
  return found.err and redis.call('HMGET', agent, ...) or found
end
local function lease(agent, key, node, fence, ttl)
  local reply = redis.pcall('HSET', agent, 'owner', node, 'fence', fence)
  if is_no_hash(reply) then
    redis.call('EXPIRE', agent, 0)
  end
  if type(reply) == 'table' then
    redis.call('HSET', agent, 'owner', node, 'fence', fence)
  end
  redis.call('PERSIST', agent)
  redis.call('ZADD', KEYS[3], now + ttl, key)
  if fence > (tonumber(redis.call('GET', KEYS[2])) or 0) then
    redis.call('SET', KEYS[2], fence)
  end
end
local function holds(agent, node, fence)
  local held = fields(agent, 'fence', 'owner')
  local seen = tonumber(held[1]) or 0
  return fence > seen or (fence == seen and held[2] == node)
end
"""
)

WRITE = (
    COMMON
    + """
local node, ttl = ARGV[1], tonumber(ARGV[2])
local refused = {}
for i = 4, #KEYS do
  local at = 3 + (i - 4) * 4
  local key, fence, act = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  if not holds(KEYS[i], node, fence) then
    refused[#refused + 1] = key
  else
    lease(KEYS[i], key, node, fence, ttl)
    if act == 'set' then
      redis.call('HSET', KEYS[i], 'data', ARGV[at + 3], 'node', node, 'written', fence)
    elseif act == 'delete' then
      redis.call('HDEL', KEYS[i], 'data', 'node', 'written')
    end
  end
end
return {emptied, refused}
"""
)
"""Arguments: node, seconds of a lease; for each agent its key, our fence, ``set``, ``delete`` or ``renew``, data."""

TAKE = (
    COMMON
    + """
local node, ttl, key, own, force = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
local agent = KEYS[4]
if own > 0 and holds(agent, node, own) then
  lease(agent, key, node, own, ttl)
  return {emptied, own}
end
local held = fields(agent, 'fence', 'owner')
local lasts = tonumber(redis.call('ZSCORE', KEYS[3], key) or 0) > now
if lasts and held[2] and held[2] ~= '' and held[2] ~= node and force ~= 'force' then
  return {emptied, 0}
end
local fence = math.max(tonumber(redis.call('GET', KEYS[2])) or 0, tonumber(held[1]) or 0) + 1
lease(agent, key, node, fence, ttl)
return {emptied, fence}
"""
)
"""Arguments: node, seconds of a lease, the agent's key, our fence (0 for none), ``force`` or nothing."""

RELEASE = (
    COMMON
    + """
local node = ARGV[1]
for i = 4, #KEYS do
  local at = 2 + (i - 4) * 2
  local key, fence = ARGV[at], tonumber(ARGV[at + 1])
  local held = fields(KEYS[i], 'fence', 'owner')
  if held[1] and tonumber(held[1]) == fence and held[2] == node then
    redis.call('HSET', KEYS[i], 'owner', '')
    if redis.call('HEXISTS', KEYS[i], 'data') == 1 then
      redis.call('ZADD', KEYS[3], 0, key)
    else
      redis.call('ZREM', KEYS[3], key)
      redis.call('EXPIRE', KEYS[i], KEPT_SECONDS)
    end
  end
end
return {emptied, {}}
"""
)
"""Arguments: node; for each agent its key and our fence."""

EXPIRED = (
    COMMON
    + """
local found = {}
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
  local agent = ARGV[1] .. key
  local reply = redis.pcall('HEXISTS', agent, 'data')
  if reply == 1 then
    found[#found + 1] = key
  elseif reply == 0 then
    redis.call('ZREM', KEYS[3], key)
    redis.call('EXPIRE', agent, KEPT_SECONDS)
  elseif not is_no_hash(reply) then
    redis.call('HEXISTS', agent, 'data')
  end
end
return {emptied, found}
"""
)
"""Argument: what the names of hashes begin with. A lease without a record that has run out leaves the set here."""
