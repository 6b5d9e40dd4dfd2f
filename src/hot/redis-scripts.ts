/**
 * Every change and every question that the Redis driver has, as Lua. Each script stays within one slot and names its
 * keys in KEYS; the first is the slot's own hash, whose `floor` is there for as long as the slot's memory is. A script
 * that does not find it answers nil: the generation is lost, and nothing else of it may be believed.
 *
 * ioredis may resend, and a command that timed out may still run, so each script may run twice and late.
 *
 * Keys of a slot: hash {floor, bytes} · sorted set of names by last access · sorted set of names by expiry · per name
 * a hash {version, deleted, expires, payload, known, accesses, last} and a text, the marker, which Redis expires.
 */

/** Milliseconds of Redis's own clock. */
const TIME = /* lua */ `
local function time()
  local parts = redis.call('TIME')
  return parts[1] * 1000 + math.floor(parts[2] / 1000)
end
-- tostring() would round a time to 14 digits.
local function digits(number) return string.format('%.0f', number) end
`

/**
 * KEYS: slot, by last access, by expiry, then entry and marker of each write. ARGV: marker time, then nine of each
 * write. Answers, per write, `stored`, `late` or the version to rise above.
 */
const write = /* lua */ `${TIME}
local floor = redis.call('HGET', KEYS[1], 'floor')
if not floor then return nil end
local patience = tonumber(ARGV[1]) / 2
local now = time()

local function judge(version, reason, started, held, left)
  if held == version then return 'stored' end
  if held and held > version then return held end
  if left and left >= version then
    if reason == 'put' and floor > left then return floor end
    return left
  end
  -- Half of the marker's time is the slack for a clock that steps, so a start far ahead is as bad as one long ago.
  if math.abs(now - started) > patience then return 'late' end
  -- For puts alone: memory-hot-tier.ts says why promotions need no floor.
  if reason == 'put' and not held and version <= floor then return floor end
  return nil
end

local results = {}
for i = 1, (#ARGV - 1) / 9 do
  local entry, marker = KEYS[2 * i + 2], KEYS[2 * i + 3]
  local name, version, deleted, expires, payload, reason, started, known, last = unpack(ARGV, 9 * i - 7, 9 * i + 1)
  local held = redis.call('HGET', entry, 'version')
  local verdict = judge(version, reason, tonumber(started), held, redis.call('GET', marker))
  if not verdict then
    local before = redis.call('HSTRLEN', entry, 'payload')
    if not held then redis.call('HSET', entry, 'known', known, 'accesses', 0, 'last', 0) end
    last = math.max(now, tonumber(last), tonumber(redis.call('HGET', entry, 'last')))
    redis.call('HSET', entry, 'version', version, 'deleted', deleted, 'expires', expires, 'payload', payload, 'last', digits(last))
    redis.call('HINCRBY', KEYS[1], 'bytes', #payload - before)
    redis.call('ZADD', KEYS[2], digits(last), name)
    if expires == '' then redis.call('ZREM', KEYS[3], name) else redis.call('ZADD', KEYS[3], expires, name) end
    verdict = 'stored'
  end
  results[i] = verdict
end
return results
`

/** KEYS: slot, then entries. ARGV: fields. Answers, per entry, its fields. */
const read = /* lua */ `
if redis.call('HEXISTS', KEYS[1], 'floor') == 0 then return nil end
local found = {}
for i = 2, #KEYS do found[i - 1] = redis.call('HMGET', KEYS[i], unpack(ARGV)) end
return found
`

/** KEYS: slot, by last access, then entries. ARGV: name, time and reads of each touch. Answers, per touch, 1 if it counted. */
const touch = /* lua */ `
if redis.call('HEXISTS', KEYS[1], 'floor') == 0 then return nil end
local counted = {}
for i = 1, #ARGV / 3 do
  local entry, name, last, accesses = KEYS[i + 2], unpack(ARGV, 3 * i - 2, 3 * i)
  counted[i] = redis.call('EXISTS', entry)
  if counted[i] == 1 then
    redis.call('HINCRBY', entry, 'accesses', accesses)
    if tonumber(last) > tonumber(redis.call('HGET', entry, 'last')) then
      redis.call('HSET', entry, 'last', last)
      redis.call('ZADD', KEYS[2], last, name)
    end
  end
end
return counted
`

/** What removals and repairs share: one drops exactly the given version, the other whatever is older. */
const departure = (leaves: string, marks: string): string => /* lua */ `
local floor = redis.call('HGET', KEYS[1], 'floor')
if not floor then return nil end
local removed = {}
for i = 1, (#ARGV - 1) / 2 do
  local entry, marker = KEYS[2 * i + 2], KEYS[2 * i + 3]
  local name, version = ARGV[2 * i], ARGV[2 * i + 1]
  local held = redis.call('HGET', entry, 'version')
  local leaves = ${leaves}
  removed[i] = {}
  if leaves then
    removed[i] = redis.call('HMGET', entry, 'accesses', 'last')
    local bytes = redis.call('HSTRLEN', entry, 'payload')
    -- First, because a full Redis refuses what may grow, unless the script has begun with something that cannot.
    redis.call('UNLINK', entry)
    redis.call('HINCRBY', KEYS[1], 'bytes', 0 - bytes)
    redis.call('ZREM', KEYS[2], name)
    redis.call('ZREM', KEYS[3], name)
  end
  if ${marks} then
    local left = redis.call('GET', marker)
    if not left or left < version then left = version end
    redis.call('SET', marker, left, 'PX', ARGV[1])
    if version > floor then
      floor = version
      redis.call('HSET', KEYS[1], 'floor', floor)
    end
  end
end
return removed
`

/**
 * KEYS: slot, by last access, by expiry, then entry and marker of each removal. ARGV: marker time, then name and
 * version of each. Answers, per removal, its reads and the last of them, or nothing.
 */
const remove = departure('held == version', 'leaves')

/** The same for whatever is older than the version, which is marked even where nothing is held. */
const repair = departure('held and held < version', 'true')

/** KEYS: slot, one of its sorted sets. ARGV: highest score, offset, count. Answers names and scores, lowest first. */
const lowest = /* lua */ `
if redis.call('HEXISTS', KEYS[1], 'floor') == 0 then return nil end
return redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', ARGV[2], ARGV[3])
`

/** KEYS: slot, by last access. Answers entries and bytes. */
const size = /* lua */ `
local slot = redis.call('HMGET', KEYS[1], 'floor', 'bytes')
if not slot[1] then return nil end
return { redis.call('ZCARD', KEYS[2]), tonumber(slot[2] or 0) }
`

/** KEYS: slot. ARGV: version. Sets the floor, or raises it: a slot that has one is ready. */
const raiseFloor = /* lua */ `
local floor = redis.call('HGET', KEYS[1], 'floor')
if not floor or floor < ARGV[1] then redis.call('HSET', KEYS[1], 'floor', ARGV[1]) end
return 1
`

/** KEYS: nonce. ARGV: a random text. Answers the nonce, made now where there was none, the generation that is ready, the time. */
const nonce = /* lua */ `${TIME}
redis.call('HSETNX', KEYS[1], 'nonce', ARGV[1])
local found = redis.call('HMGET', KEYS[1], 'nonce', 'ready')
return { found[1], found[2] or '', digits(time()) }
`

/** KEYS: nonce. ARGV: nonce, generation. Tells everybody that each slot of the generation has its floor. */
const declareReady = /* lua */ `
if redis.call('HGET', KEYS[1], 'nonce') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'ready', ARGV[2])
return 1
`

/** KEYS: nonce. ARGV: nonce that was lost, a random text. Ends a generation that lost a slot, once. */
const renounce = /* lua */ `
if redis.call('HGET', KEYS[1], 'nonce') == ARGV[1] then
  redis.call('HDEL', KEYS[1], 'ready')
  redis.call('HSET', KEYS[1], 'nonce', ARGV[2])
end
return 1
`

export const SCRIPTS = { write, read, touch, remove, repair, lowest, size, raiseFloor, nonce, declareReady, renounce }
export type ScriptName = keyof typeof SCRIPTS
