/**
 * Defines, as Lua, every change and every read that the Redis driver makes. A script for a slot gets its keys in KEYS;
 * the first is the slot's state, whose `floor` exists for as long as what the slot holds. Where it is not found, the
 * script returns nil: the generation is lost, and nothing else of it may be believed. One script serves several slots,
 * each by itself: what is one call on a single server is one per slot on a cluster.
 *
 * A slot may also go back: to the state of a copy which lacks what was written last. So each change has a mark, its
 * number and its time, and a slot keeps those of its latest changes. A caller hands over the latest mark that it has
 * seen of the slot, and gets the one that is the latest now; where the slot does not know the mark of that number, it
 * returns nil as well, and nothing was done. (Not so where that mark is one of too many ago: who is idle for so long
 * has to look at the server itself, see redis-generation.ts.)
 *
 * Each script begins with a write, also one that only asks. A replica refuses it, and so does a Redis that takes no
 * writes because its disk or its replicas fail: where hot cannot be kept in step with cold, nobody must read from it. A
 * Redis that is full refuses commands that may grow, unless the script has begun with one that cannot; so what is
 * asked, what leaves and what is repaired goes on there, and `write` alone looks whether there is room.
 *
 * ioredis may resend, and a command that timed out may still run, so each script may run twice and late.
 *
 * Keys of a slot: a text of fixed widths, the state (redis-values.ts draws it, and an entry's) · sorted set of names by
 * last access · sorted set of names by expiry · hash of activations by name, where policies ask for them · per name the
 * entry, a text as well, and a text that Redis expires, the marker. What is in the place of an entry and is none counts
 * as not held. A process of a version before leaves activations of what it removes, which have faded when they count
 * again.
 *
 * Lua hashes every byte that it is handed, which takes it longer than Redis needs for a whole read: so payloads stay
 * out of Lua where they can. A read asks for states and entries at once, and whoever asked looks at the states.
 */

import { ENTRY, HEADER_BYTES, LAYOUT, MARKS, NEVER, STATE, STATE_BYTES, WRITE_FIELDS } from './redis-values.ts'

/** A write that changes nothing and cannot grow. */
const BEGIN = /* lua */ `
redis.call('PERSIST', KEYS[1])
`

/** Milliseconds of Redis's own clock. */
const TIME = /* lua */ `
local function millis(parts) return parts[1] * 1000 + math.floor(parts[2] / 1000) end
local function time() return millis(redis.call('TIME')) end
-- tostring() would round a time to 14 digits.
local function digits(number) return string.format('%.0f', number) end
`

/** Lua that cuts a field out of a text; Lua counts from 1. */
const cut = (text: string, [from, length]: readonly [number, number]): string =>
  `string.sub(${text}, ${from + 1}, ${from + length})`

/**
 * What scripts of slots share. `enter` answers a slot's floor and latest mark, or nothing where it lost what it held;
 * `change` notes a change of it and answers its mark. The first change also tells `now`, and whether Redis is `full`:
 * after a write, a script is let through although there is no room.
 */
const SLOT = /* lua */ `${TIME}
local parts, now, full
local function fixed(number) return string.format('%016.0f', number) end
local function place(number) return ${STATE.marks[0]} + 16 * (number % ${MARKS}) end
local function timeOf(state, number) return string.sub(state, place(number) + 1, place(number) + 16) end

local function enter(KEYS, seen)
  local state = redis.pcall('GET', KEYS[1])
  if type(state) ~= 'string' or #state ~= ${STATE_BYTES} then return nil end
  local latest = ${cut('state', STATE.number)}
  local number = tonumber(latest)
  if seen ~= '' then
    local seenNumber = tonumber(string.sub(seen, 1, 16))
    local since = number - seenNumber
    if since < 0 or (since < ${MARKS} and timeOf(state, seenNumber) ~= string.sub(seen, 17)) then return nil end
  end
  return {
    floor = ${cut('state', STATE.floor)},
    number = number,
    latest = latest .. timeOf(state, number),
    bytes = tonumber(${cut('state', STATE.bytes)}),
    fence = tonumber(${cut('state', STATE.fence)}),
  }
end

local function change(KEYS, slot)
  if not parts then
    parts = redis.call('TIME')
    now = millis(parts)
  end
  local number, time = slot.number + 1, parts[1] .. string.format('%06d', parts[2])
  local noted = redis.pcall('SETRANGE', KEYS[1], place(number), time)
  if full == nil then full = type(noted) ~= 'number' end
  if type(noted) ~= 'number' then
    redis.call('PERSIST', KEYS[1])
    redis.call('SETRANGE', KEYS[1], place(number), time)
  end
  redis.call('SETRANGE', KEYS[1], ${STATE.number[0]}, fixed(number))
  return fixed(number) .. time
end

-- What stands in front of an entry's payload; nil where there is no entry.
local function headerOf(entry)
  local header = redis.pcall('GETRANGE', entry, 0, ${HEADER_BYTES - 1})
  if type(header) ~= 'string' or #header ~= ${HEADER_BYTES} then return nil end
  return string.sub(header, 1, 1) == '${LAYOUT}' and header or nil
end
local function bytesOf(entry) return redis.call('STRLEN', entry) - ${HEADER_BYTES} end
local function keepBytes(KEYS, slot)
  redis.call('SETRANGE', KEYS[1], ${STATE.bytes[0]}, fixed(slot.bytes))
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
 * line of its WRITE_FIELDS and the entry. Answers, per write, `stored`, `late`, `full` or the version to rise above.
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
  if reason ~= 'put' and started < slot.fence then return 'late' end
  -- For puts alone: in-process-hot-tier.ts says why promotions need no floor.
  if reason == 'put' and not held and version <= floor then return floor end
  return nil
end

local results = {}
for i = 1, (#ARGV - 1) / 2 do
  local entry, marker, value = KEYS[2 * i + 2], KEYS[2 * i + 3], ARGV[2 * i + 1]
  local ${WRITE_FIELDS.join(', ')} = string.match(ARGV[2 * i], '${TOLD}')
  local header = headerOf(entry)
  local held = header and ${cut('header', ENTRY.version)}
  local verdict = judge(version, reason, tonumber(started), held, redis.call('GET', marker))
  local size = #value - ${HEADER_BYTES}
  local before = not verdict and header and bytesOf(entry) or 0
  -- What replaces something larger makes room: a delete above all.
  if not verdict and full and (not held or size > before) then verdict = 'full' end
  if not verdict then
    redis.call('SET', entry, value)
    if header then
      last = digits(math.max(tonumber(last), tonumber(${cut('header', ENTRY.last)})))
      redis.call('SETRANGE', entry, ${ENTRY.reads[0]}, ${cut('header', ENTRY.reads)} .. fixed(last))
    end
    slot.bytes = slot.bytes + size - before
    redis.call('ZADD', KEYS[2], last, name)
    if expires ~= '' then
      redis.call('ZADD', KEYS[3], expires, name)
    elseif header and ${cut('header', ENTRY.expires)} ~= '${NEVER}' then
      redis.call('ZREM', KEYS[3], name)
    end
    verdict = 'stored'
  end
  results[i] = verdict
end
keepBytes(KEYS, slot)
return { mark, results }
`)

/** KEYS: slots, each with entries of it behind it. Answers all of them as they are, in order. */
const read = /* lua */ `${BEGIN}
return redis.call('MGET', unpack(KEYS))
`

const examination = (found: string): string =>
  ofSlots(
    /* lua */ `
local found = {}
for i = 2, #KEYS do
  local header = headerOf(KEYS[i])
  found[i - 1] = header and ${found} or false
end
return { slot.latest, found }
`,
    BEGIN,
  )

/** KEYS: slot, then entries. Answers, of each entry, what stands in front of its payload; nil where it is not held. */
const examine = examination('header')

/** The same, and behind it how long the payload is. */
const describe = examination('header .. bytesOf(KEYS[i])')

/** What a touch adds to an activation, which is what in-process-hot-tier.ts does (`#activated`). */
const ACTIVATE = /* lua */ `
local function activate(key, name, entered, at, accesses, halfLife)
  local value, since = 1, entered
  local known = redis.call('HGET', key, name)
  if known then
    value, since = string.match(known, '^(%S+) (%d+)$')
    value, since = tonumber(value), tonumber(since)
  end
  if since < at then
    value, since = value * 2 ^ ((since - at) / halfLife), at
  end
  redis.call('HSET', key, name, string.format('%.6g %.0f', value + accesses, since))
end
`

/**
 * KEYS: slot, by last access, then entries, and activations last. ARGV: name, time and reads of each touch, and the
 * half-life of activations last, 0 where none are kept. Answers, per touch, 1 if it counted.
 */
const touch = ofSlots(
  /* lua */ `
local counted, halfLife = {}, tonumber(ARGV[#ARGV])
for i = 1, (#ARGV - 1) / 3 do
  local entry, name, last, accesses = KEYS[i + 2], unpack(ARGV, 3 * i - 2, 3 * i)
  local header = headerOf(entry)
  counted[i] = header and 1 or 0
  if header then
    local before = tonumber(${cut('header', ENTRY.last)})
    local latest = math.max(before, tonumber(last))
    if halfLife > 0 then activate(KEYS[#KEYS], name, before, latest, accesses, halfLife) end
    accesses = tonumber(${cut('header', ENTRY.accesses)}) + accesses
    redis.call('SETRANGE', entry, ${ENTRY.accesses[0]}, fixed(accesses) .. fixed(latest))
    if latest > before then redis.call('ZADD', KEYS[2], last, name) end
  end
end
return { slot.latest, counted }
`,
  `${BEGIN}${ACTIVATE}`,
)

/** KEYS: slot, by last access. ARGV: name and time of each. What is held is named by that time, where it is later. */
const postpone = ofSlots(
  /* lua */ `
local done = {}
for i = 1, #ARGV / 2 do
  done[i] = redis.call('ZADD', KEYS[2], 'XX', 'GT', 'CH', ARGV[2 * i], ARGV[2 * i - 1])
end
return { slot.latest, done }
`,
  BEGIN,
)

/** KEYS: slot, activations. ARGV: names. Answers, per name, activation and time with a space between, or nothing. */
const activations = ofSlots(
  /* lua */ `
return { slot.latest, redis.call('HMGET', KEYS[2], unpack(ARGV)) }
`,
  BEGIN,
)

/**
 * KEYS: slot, by expiry, then entries. ARGV: name, version and expiry of each extension. An entry that is there in that
 * version and expires earlier expires then. Nothing grows, and what is lost of it cold tells.
 */
const extend = ofSlots(
  /* lua */ `
local done = {}
for i = 1, #ARGV / 3 do
  local entry, name, version, expires = KEYS[i + 2], unpack(ARGV, 3 * i - 2, 3 * i)
  local header = headerOf(entry)
  done[i] = 0
  if header and ${cut('header', ENTRY.version)} == version and ${cut('header', ENTRY.deleted)} == '0' then
    local before = tonumber(${cut('header', ENTRY.expires)})
    if before and before < tonumber(expires) then
      redis.call('SETRANGE', entry, ${ENTRY.expires[0]}, string.format('%16.0f', expires))
      redis.call('ZADD', KEYS[2], expires, name)
      done[i] = 1
    end
  end
end
return { slot.latest, done }
`,
  BEGIN,
)

/** What removals and repairs share: one drops exactly the given version, the other whatever is older. */
const departure = (leaves: string, marks: string): string =>
  ofSlots(/* lua */ `
local floor = slot.floor
local mark = change(KEYS, slot)
local removed, fenced = {}, false
-- Names of what leaves, and of those among it that expire: the sets lose them at once.
local names, expiring = {}, {}
local markers = {}
for i = 1, (#ARGV - 1) / 2 do markers[i] = KEYS[2 * i + 3] end
local lefts, marked = redis.call('MGET', unpack(markers)), {}
for i = 1, #markers do
  local entry, marker = KEYS[2 * i + 2], markers[i]
  local name, version = ARGV[2 * i], ARGV[2 * i + 1]
  local header = headerOf(entry)
  local held = header and ${cut('header', ENTRY.version)}
  local leaves = ${leaves}
  removed[i] = leaves and ${cut('header', ENTRY.leftOver)} or ''
  if leaves then
    slot.bytes = slot.bytes - bytesOf(entry)
    redis.call('UNLINK', entry)
    names[#names + 1] = name
    if ${cut('header', ENTRY.expires)} ~= '${NEVER}' then expiring[#expiring + 1] = name end
  end
  if ${marks} then
    if leaves or not full then
      local left = marked[marker] or lefts[i]
      if not left or left < version then left = version end
      redis.call('SET', marker, left, 'PX', ARGV[1])
      marked[marker] = left
    else
      fenced = true
    end
    if version > floor then floor = version end
  end
end
if floor > slot.floor then redis.call('SETRANGE', KEYS[1], ${STATE.floor[0]}, floor) end
if #names > 0 then
  redis.call('ZREM', KEYS[2], unpack(names))
  redis.call('HDEL', KEYS[#KEYS], unpack(names))
end
if #expiring > 0 then redis.call('ZREM', KEYS[3], unpack(expiring)) end
keepBytes(KEYS, slot)
-- Half of the marker's time is the slack for clocks, as in write.
if fenced then redis.call('SETRANGE', KEYS[1], ${STATE.fence[0]}, fixed(now + ARGV[1] / 2)) end
return { mark, removed }
`)

/**
 * KEYS: slot, by last access, by expiry, then entry and marker of each removal, and activations last. ARGV: marker
 * time, then name and version of each. Answers, per removal, its reads and the last of them as one text, or an empty one.
 */
const remove = departure('held == version', 'leaves')

/**
 * The same for whatever is older than the version, which is marked even where nothing is held. A full Redis has no room
 * for markers of what it does not hold: there, whatever is on its way to the slot from cold comes late instead.
 */
const repair = departure('held and held < version', 'true')

/**
 * KEYS: slot, by last access, by expiry, then entry and marker of each, and activations last. ARGV: marker time, then
 * of each name, newest version that may be held, version to mark. Answers, for each, `newer`, or `full` where there is
 * no room for a marker, and then did nothing; else `reserved`, and of what it dropped the reads and the last of them.
 */
const reserve = ofSlots(/* lua */ `
local floor = slot.floor
local mark = change(KEYS, slot)
local answers = {}
for i = 1, (#ARGV - 1) / 3 do
  local entry, marker = KEYS[2 * i + 2], KEYS[2 * i + 3]
  local name, newest, below = unpack(ARGV, 3 * i - 1, 3 * i + 1)
  local header = headerOf(entry)
  local held = header and ${cut('header', ENTRY.version)}
  if held and held > newest then
    answers[i] = { 'newer' }
  elseif full and not held then
    answers[i] = { 'full' }
  else
    answers[i] = { 'reserved' }
    if held then
      answers[i] = { 'reserved', ${cut('header', ENTRY.accesses)}, ${cut('header', ENTRY.last)} }
      slot.bytes = slot.bytes - bytesOf(entry)
      redis.call('UNLINK', entry)
      redis.call('ZREM', KEYS[2], name)
      redis.call('ZREM', KEYS[3], name)
      redis.call('HDEL', KEYS[#KEYS], name)
    end
    local left = redis.call('GET', marker)
    if not left or left < below then left = below end
    redis.call('SET', marker, left, 'PX', ARGV[1])
    if below > floor then
      floor = below
      redis.call('SETRANGE', KEYS[1], ${STATE.floor[0]}, floor)
    end
  end
end
keepBytes(KEYS, slot)
return { mark, answers }
`)

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
return { slot.latest, { redis.call('ZCARD', KEYS[2]), slot.bytes } }
`,
  BEGIN,
)

/** KEYS: slot. ARGV: version. Sets the floor, or raises it: a slot that has its state is ready. */
const raiseFloor = /* lua */ `${BEGIN}
local floor = redis.pcall('GETRANGE', KEYS[1], ${STATE.floor[0]}, ${STATE.floor[1] - 1})
if type(floor) ~= 'string' or floor == '' then
  redis.call('SET', KEYS[1], ARGV[1] .. string.rep('0', ${STATE_BYTES - STATE.floor[1]}))
elseif floor < ARGV[1] then
  redis.call('SETRANGE', KEYS[1], ${STATE.floor[0]}, ARGV[1])
end
return 1
`

/** KEYS: slot. Takes its state away: whoever uses it finds out with the next script. */
const end = /* lua */ `
redis.call('UNLINK', KEYS[1])
return 1
`

/**
 * KEYS: nonce, that of layout 1. ARGV: a random text. Answers the nonce, made now where there was none, the generation
 * that is ready, the time, and the generation of layout 1 that is still to be ended.
 *
 * Layout 1 kept an entry as a hash, and its processes find their nonce in a hash. A text in its place lets none of them
 * enter any more, so that no two layouts are in use side by side: those processes go on without hot.
 */
const nonce = /* lua */ `${BEGIN}${TIME}
local former = redis.pcall('GET', KEYS[2])
if type(former) ~= 'string' then
  local ready = type(former) == 'table' and redis.pcall('HGET', KEYS[2], 'ready')
  former = type(ready) == 'string' and ready or ''
  redis.call('SET', KEYS[2], former)
end
redis.call('HSETNX', KEYS[1], 'nonce', ARGV[1])
local found = redis.call('HMGET', KEYS[1], 'nonce', 'ready')
return { found[1], found[2] or '', digits(time()), former }
`

/** KEYS: nonce of layout 1. ARGV: its generation, of which no slot is left. */
const formerEnded = /* lua */ `${BEGIN}
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], '') end
return 1
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
redis.call('HGET', key, 'a')
redis.call('HMGET', key, 'a', 'b')
redis.call('HDEL', key, 'b')
redis.call('UNLINK', key)
redis.call('ZADD', key, 1, 'a')
redis.call('ZCARD', key)
redis.call('ZRANGEBYSCORE', key, '-inf', 0)
redis.call('ZREM', key, 'a')
redis.call('SET', key, 'a', 'PX', 1000)
redis.call('GET', key)
redis.call('MGET', key)
redis.call('SETRANGE', key, 0, 'b')
redis.call('GETRANGE', key, 0, 0)
redis.call('STRLEN', key)
redis.call('UNLINK', key)
return 1
`

/** Of slots: run by {@link SlotScripts}. */
const OF_SLOTS = {
  ...{ write, examine, describe, touch, postpone, activations, extend, remove, repair, reserve, lowest, size },
}
export type SlotScriptName = keyof typeof OF_SLOTS

export const SCRIPTS = {
  ...OF_SLOTS,
  ...{ read, raiseFloor, end, nonce, formerEnded, declareReady, renounce, tryCommands },
}
export type ScriptName = keyof typeof SCRIPTS
