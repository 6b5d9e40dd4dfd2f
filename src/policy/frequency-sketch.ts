/**
 * Guesses how often keys were read of late, also of keys that nothing else knows any more, in 16 to 32 bytes for each
 * entry of hot: a count-min sketch of four rows whose counters are halved once it has counted ten reads for each of
 * them (TinyLFU, Einziger, Friedman and Manes, 2017). It never guesses too little, before halving, and rarely too much.
 */
const ROWS = 4
/** More than this is no difference to what it is held against. */
const MOST = 15
const READS_OF_AN_ENTRY = 10
/** Odd, one of each row. */
const FACTORS = [0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f] as const

export class FrequencySketch {
  readonly #counters: Uint8Array
  readonly #bits: number
  readonly #most: number
  #counted = 0

  /** @param entries that hot holds when it is full. */
  constructor(entries: number) {
    // Four counters an entry in each row, so that few share one.
    this.#bits = Math.min(24, Math.max(6, Math.ceil(Math.log2(4 * entries))))
    this.#counters = new Uint8Array(ROWS << this.#bits)
    this.#most = READS_OF_AN_ENTRY * entries
  }

  count(key: string): void {
    const hash = hashOf(key)
    const guess = this.#guess(hash)
    // Only the lowest of its counters, so that keys that share the others are guessed too high less.
    if (guess < MOST)
      for (let row = 0; row < ROWS; row++) {
        const place = this.#place(hash, row)
        if (this.#counters[place] === guess) this.#counters[place]!++
      }
    if (++this.#counted >= this.#most) this.#halve()
  }

  /** 0 to 15. */
  guess(key: string): number {
    return this.#guess(hashOf(key))
  }

  #guess(hash: number): number {
    let least = MOST
    for (let row = 0; row < ROWS; row++) least = Math.min(least, this.#counters[this.#place(hash, row)]!)
    return least
  }

  #place(hash: number, row: number): number {
    return (row << this.#bits) + (Math.imul(hash ^ (hash >>> 15), FACTORS[row]!) >>> (32 - this.#bits))
  }

  #halve(): void {
    for (let i = 0; i < this.#counters.length; i++) this.#counters[i]! >>= 1
    this.#counted >>= 1
  }
}

/** FNV-1a over UTF-16 units. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return hash
}
