/**
 * Every change and every question that the Redis driver has, as Lua. What is asked of a slot names its keys in KEYS;
 * the first is the slot's own hash, whose `floor` is there for as long as what the slot holds. Where it is not found,
 * the answer is nil: the generation is lost, and nothing else of it may be believed. One script serves several slots,
 * each by itself: what is one call on a single server is one per slot on a cluster.
 *
 * A slot may also go back: to the state of a copy which lacks what was written last. So each change has a mark, its
 * number and its time, and a slot keeps those of its latest changes. A caller hands over the latest mark that it has
 * seen of the slot, and gets the one that is the latest now; where the slot does not know the mark of that number, it
 * answers nil as well, and nothing was done. (Not so where that mark is one of too many ago: who is idle for
 * so long has to look at the server itself, see redis-generation.ts.)
 *
 * Each script begins with a write, also one that only asks. A replica refuses it, and so does a Redis that takes no
 * writes because its disk or its replicas fail: where hot cannot be kept in step with cold, nobody must read from it. A
 * Redis that is full refuses commands that may grow, unless the script has begun with one that cannot; so what is
 * asked, what leaves and what is repaired goes on there, and `write` alone looks whether there is room.
 *
 * ioredis may resend, and a command that timed out may still run, so each script may run twice and late.
 *
 * Keys of a slot: hash {floor, bytes, fence, latest, and marks by number} · sorted set of names by last access · sorted
 * set of names by expiry · per name a hash {version, deleted, expires, payload, known, accesses, last} and a text, the
 * marker, which Redis expires.
 */

import { STATE_FIELDS, WRITE_FIELDS } from './redis-values.ts'

/** Marks of changes that a slot keeps. */
const MARKS = 32

/** A write that changes nothing and cannot grow. */
const BEGIN = /* lua */ `
redis.call('HDEL', KEYS[1], '')
`

/** Milliseconds of Redis's own clock. */
const TIME = /* lua */ `
local function millis(parts) return parts[1] * 1000 + math.floor(parts[2] / 1000) end
local function time() return millis(redis.call('TIME')) end
-- tostring() would round a time to 14 digits.
local function digits(number) return string.format('%.0f', number) end
`

/**
 * What scripts of slots share. `enter` answers a slot's floor and latest mark, or nothing where it lost what it held;
 * `change` notes a change of it and answers its mark. The first change also tells `now`, and whether Redis is `full`:
 * after a write, a script is let through although there is no room.
 */
const SLOT = /* lua */ `${TIME}
local parts, now, full
local function numberOf(mark) return tonumber(string.match(mark, '^%d+') or 0) end
local function field(number) return string.format('m%d', number % ${MARKS}) end

local function enter(KEYS, seen)
  local floor, latest = unpack(redis.call('HMGET', KEYS[1], 'floor', 'latest'))
  if not floor then return nil end
  latest = latest or ''
  if seen ~= latest and seen ~= '' then
    local number = numberOf(seen)
    local since = numberOf(latest) - number
    if since < 0 or (since < ${MARKS} and redis.call('HGET', KEYS[1], field(number)) ~= seen) then return nil end
  end
  return { floor = floor, latest = latest }
end

local function change(KEYS, slot)
  if not parts then
    parts = redis.call('TIME')
    now = millis(parts)
  end
  local number = numberOf(slot.latest) + 1
  local mark = string.format('%.0f:%s.%s', number, parts[1], parts[2])
  local noted = redis.pcall('HSET', KEYS[1], 'latest', mark, field(number), mark)
  if full == nil then full = type(noted) ~= 'number' end
  if type(noted) ~= 'number' then
    redis.call('HDEL', KEYS[1], '')
    redis.call('HSET', KEYS[1], 'latest', mark, field(number), mark)
  end
  return mark
end
`

/**
 * A script that does `work` for each of several slots. ARGV: how many slots, then of each how many keys and arguments
 * it has, the latest mark that was seen of it, and its arguments; KEYS are those of the slots, one after the other.
 * Within `work`, KEYS and ARGV are those of its slot. Answers, per slot, its latest mark and what `work` found, or nil.
 */
const ofSlots = (work: string, begin = ''): string => /* lua */ `${begin}${SLOT}
local function slice(list, from, count)
  local part = {}
  for i = 1, count do part[i] = list[from + i - 1] end
  return part
end

local function work(KEYS, ARGV, slot)
${work}
end

local answers, key, argument = {}, 1, 2
for i = 1, tonumber(ARGV[1]) do
  local keyCount, argumentCount, seen = tonumber(ARGV[argument]), tonumber(ARGV[argument + 1]), ARGV[argument + 2]
  local keys, arguments = slice(KEYS, key, keyCount), slice(ARGV, argument + 3, argumentCount)
  local slot = enter(keys, seen)
  answers[i] = slot and work(keys, arguments, slot)
  if not answers[i] then answers[i] = false end
  key, argument = key + keyCount, argument + 3 + argumentCount
end
return answers
`

/** What splits the line that tells of a write: its fields, of which the last may hold anything. */
const TOLD = `^${WRITE_FIELDS.map((field) => (field === 'name' ? '(.*)' : '(%S*)')).join(' ')}$`

/**
 * KEYS: slot, by last access, by expiry, then entry and marker of each write. ARGV: marker time, then of each write a
 * line of its WRITE_FIELDS and its payload. Answers, per write, `stored`, `late`, `full` or the version to rise above.
 */
const write = ofSlots(/* lua */ `
local floor = slot.floor
local mark = change(KEYS, slot)
local patience = tonumber(ARGV[1]) / 2

local function judge(version, reason, started, held, left)
  if held == version then return 'stored' end
  if held and held > version then return held end
  if left and left >= version then
    if reason == 'put' and floor > left then return floor end
    return left
  end
  -- Half of the marker's time is the slack for a clock that steps, so a start far ahead is as bad as one long ago.
  if math.abs(now - started) > patience then return 'late' end
  if reason ~= 'put' and started < tonumber(redis.call('HGET', KEYS[1], 'fence') or 0) then return 'late' end
  -- For puts alone: in-process-hot-tier.ts says why promotions need no floor.
  if reason == 'put' and not held and version <= floor then return floor end
  return nil
end

local results = {}
for i = 1, (#ARGV - 1) / 2 do
  local entry, marker, payload = KEYS[2 * i + 2], KEYS[2 * i + 3], ARGV[2 * i + 1]
  local ${WRITE_FIELDS.join(', ')} = string.match(ARGV[2 * i], '${TOLD}')
  local held = redis.call('HGET', entry, 'version')
  local verdict = judge(version, reason, tonumber(started), held, redis.call('GET', marker))
  local before = verdict and 0 or redis.call('HSTRLEN', entry, 'payload')
  -- What replaces something larger makes room: a delete above all.
  if not verdict and full and (not held or #payload > before) then verdict = 'full' end
  if not verdict then
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
return { mark, results }
`)

/**
 * KEYS: slot, then entries. ARGV: `payload` where that is asked for. Answers, of each entry, a line of its STATE_FIELDS
 * and its payload; nil where it is not held.
 */
const read = ofSlots(
  /* lua */ `
local found = {}
for i = 2, #KEYS do
  local fields = redis.call('HMGET', KEYS[i], '${STATE_FIELDS.join("', '")}', ARGV[1])
  local payload = table.remove(fields)
  found[2 * i - 3] = fields[1] and table.concat(fields, ' ')
  found[2 * i - 2] = payload
end
return { slot.latest, found }
`,
  BEGIN,
)

/**
 * KEYS: slot, by last access, then entries. ARGV: name, time and reads of each touch. Answers, per touch, 1 if it
 * counted.
 */
const touch = ofSlots(
  /* lua */ `
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
return { slot.latest, counted }
`,
  BEGIN,
)

/** What removals and repairs share: one drops exactly the given version, the other whatever is older. */
const departure = (leaves: string, marks: string): string =>
  ofSlots(/* lua */ `
local floor = slot.floor
local mark = change(KEYS, slot)
local removed, fenced = {}, false
for i = 1, (#ARGV - 1) / 2 do
  local entry, marker = KEYS[2 * i + 2], KEYS[2 * i + 3]
  local name, version = ARGV[2 * i], ARGV[2 * i + 1]
  local held = redis.call('HGET', entry, 'version')
  local leaves = ${leaves}
  removed[i] = {}
  if leaves then
    removed[i] = redis.call('HMGET', entry, 'accesses', 'last')
    local bytes = redis.call('HSTRLEN', entry, 'payload')
    redis.call('UNLINK', entry)
    redis.call('HINCRBY', KEYS[1], 'bytes', 0 - bytes)
    redis.call('ZREM', KEYS[2], name)
    redis.call('ZREM', KEYS[3], name)
  end
  if ${marks} then
    if leaves or not full then
      local left = redis.call('GET', marker)
      if not left or left < version then left = version end
      redis.call('SET', marker, left, 'PX', ARGV[1])
    else
      fenced = true
    end
    if version > floor then
      floor = version
      redis.call('HSET', KEYS[1], 'floor', floor)
    end
  end
end
-- Half of the marker's time is the slack for clocks, as in write.
if fenced then redis.call('HSET', KEYS[1], 'fence', digits(now + ARGV[1] / 2)) end
return { mark, removed }
`)

/**
 * KEYS: slot, by last access, by expiry, then entry and marker of each removal. ARGV: marker time, then name and
 * version of each. Answers, per removal, its reads and the last of them, or nothing.
 */
const remove = departure('held == version', 'leaves')

/**
 * The same for whatever is older than the version, which is marked even where nothing is held. A full Redis has no room
 * for markers of what it does not hold: there, whatever is on its way to the slot from cold comes late instead.
 */
const repair = departure('held and held < version', 'true')

/** KEYS: slot, one of its sorted sets. ARGV: highest score, offset, count. Answers names and scores, lowest first. */
const lowest = ofSlots(
  /* lua */ `
local found = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', ARGV[2], ARGV[3])
return { slot.latest, found }
`,
  BEGIN,
)

/** KEYS: slot, by last access. Answers entries and bytes. */
const size = ofSlots(
  /* lua */ `
return { slot.latest, { redis.call('ZCARD', KEYS[2]), tonumber(redis.call('HGET', KEYS[1], 'bytes') or 0) } }
`,
  BEGIN,
)

/** KEYS: slot. ARGV: version. Sets the floor, or raises it: a slot that has one is ready. */
const raiseFloor = /* lua */ `${BEGIN}
local floor = redis.call('HGET', KEYS[1], 'floor')
if not floor or floor < ARGV[1] then redis.call('HSET', KEYS[1], 'floor', ARGV[1]) end
return 1
`

/** KEYS: slot. Takes its floor away: whoever uses it finds out with the next script. */
const end = /* lua */ `
redis.call('UNLINK', KEYS[1])
return 1
`

/**
 * KEYS: nonce. ARGV: a random text. Answers the nonce, made now where there was none, the generation that is ready, the
 * time.
 */
const nonce = /* lua */ `${BEGIN}${TIME}
redis.call('HSETNX', KEYS[1], 'nonce', ARGV[1])
local found = redis.call('HMGET', KEYS[1], 'nonce', 'ready')
return { found[1], found[2] or '', digits(time()) }
`

/** KEYS: nonce. ARGV: nonce, generation. Tells everybody that each slot of the generation has its floor. */
const declareReady = /* lua */ `${BEGIN}
if redis.call('HGET', KEYS[1], 'nonce') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'ready', ARGV[2])
return 1
`

/** KEYS: nonce. ARGV: nonce that was lost, a random text. Ends a generation that lost a slot, once. */
const renounce = /* lua */ `${BEGIN}
if redis.call('HGET', KEYS[1], 'nonce') == ARGV[1] then
  redis.call('HDEL', KEYS[1], 'ready')
  redis.call('HSET', KEYS[1], 'nonce', ARGV[2])
end
return 1
`

/**
 * KEYS: a key of the generation that nothing else uses. Runs what the scripts above run, so that a user who may not is
 * found out when the store opens and not when the first entry is to leave.
 */
const tryCommands = /* lua */ `${BEGIN}${TIME}
local key = KEYS[1]
redis.call('HSET', key, 'a', time())
redis.call('HSETNX', key, 'a', 1)
redis.call('HINCRBY', key, 'b', 1)
redis.call('HSTRLEN', key, 'a')
redis.call('HGET', key, 'a')
redis.call('HMGET', key, 'a', 'b')
redis.call('UNLINK', key)
redis.call('ZADD', key, 1, 'a')
redis.call('ZCARD', key)
redis.call('ZRANGEBYSCORE', key, '-inf', 0)
redis.call('ZREM', key, 'a')
redis.call('SET', key, 'a', 'PX', 1000)
redis.call('GET', key)
redis.call('EXISTS', key)
redis.call('UNLINK', key)
return 1
`

/** Of slots: run by {@link SlotScripts}. */
const OF_SLOTS = { write, read, touch, remove, repair, lowest, size }
export type SlotScriptName = keyof typeof OF_SLOTS

export const SCRIPTS = { ...OF_SLOTS, ...{ raiseFloor, end, nonce, declareReady, renounce, tryCommands } }
export type ScriptName = keyof typeof SCRIPTS
