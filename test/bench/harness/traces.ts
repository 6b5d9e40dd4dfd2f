/** Sequences of keys that caches are judged by, the same in each run; and what the best of caches hits of them. */

/** xorshift32. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** Draws from 0 to `keys - 1`, the n-th as likely as 1 / n^exponent. */
function zipf(keys: number, exponent: number, random: () => number): () => number {
  const bounds = new Float64Array(keys)
  let sum = 0
  for (let n = 0; n < keys; n++) bounds[n] = sum += (n + 1) ** -exponent
  return () => {
    const drawn = random() * sum
    let [low, high] = [0, keys - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (bounds[middle]! < drawn) low = middle + 1
      else high = middle
    }
    return low
  }
}

const of = (length: number, draw: (nth: number) => number): Int32Array => Int32Array.from({ length }, (_, n) => draw(n))

/** By name, over ten keys for each that there is room for. */
export function tracesFor(room: number, length: number): Readonly<Record<string, Int32Array>> {
  const all = 10 * room
  const some = 2 * room
  const [weak, strong] = [zipf(all, 0.8, randomFrom(1)), zipf(all, 1.1, randomFrom(2))]
  const [warm, moving] = [zipf(some, 1, randomFrom(3)), zipf(some, 1, randomFrom(4))]
  return {
    'Zipf 0.8': of(length, weak),
    'Zipf 1.1': of(length, strong),
    // Again and again something else is read once, from the first to the last.
    'scans between': of(length, (n) => (n % (8 * room) < 4 * room ? warm() : some + (n % (4 * room)))),
    'shifting working set': of(length, (n) => (moving() + Math.floor(n / (10 * room)) * (room >> 1)) % all),
  }
}

/** What the least recently used leaves: a share of the accesses. */
export function hitsOfLru(trace: Int32Array, room: number): number {
  const held = new Set<number>()
  let hits = 0
  for (const key of trace) {
    if (held.delete(key)) hits++
    held.add(key)
    if (held.size > room) held.delete(held.values().next().value!)
  }
  return hits / trace.length
}

/** What is read last leaves, or does not enter (Belady): no cache hits more. */
export function hitsOfOptimum(trace: Int32Array, room: number): number {
  const next = new Int32Array(trace.length)
  const seen = new Map<number, number>()
  for (let n = trace.length - 1; n >= 0; n--) {
    next[n] = seen.get(trace[n]!) ?? trace.length
    seen.set(trace[n]!, n)
  }
  /** Of what is held, by when it is read next: `at` has the key, 0 for none. Times of different keys differ. */
  const at = new Int32Array(trace.length)
  const held = new Set<number>()
  let [hits, latest] = [0, 0]
  for (const [n, key] of trace.entries()) {
    if (held.has(key)) {
      hits++
      at[n] = 0
    }
    held.delete(key)
    // What is never read again need not enter.
    if (next[n]! === trace.length) continue
    held.add(key)
    at[next[n]!] = key + 1
    latest = Math.max(latest, next[n]!)
    if (held.size <= room) continue
    while (at[latest] === 0) latest--
    held.delete(at[latest]! - 1)
    at[latest] = 0
  }
  return hits / trace.length
}
