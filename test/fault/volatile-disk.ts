/**
 * What a power cut may leave. Written data is volatile until its file is synced, and names until their folder is; of
 * what is volatile, any part may survive, and a write may be torn at its sectors.
 */
import { pick, type Random } from './seeded-random.ts'

const SECTOR_BYTES = 512

interface Write {
  readonly position: number
  readonly bytes: Uint8Array
}

interface Truncation {
  readonly length: number
}

/** Which part of what is volatile survives: some cuts take everything, some next to nothing. */
export function survival(random: Random): () => boolean {
  const share = pick(random, 0, 4) / 4
  return () => random() < share
}

/** Changes in the order in which they were made, and how many of the oldest are durable. */
abstract class Volatile<Change> {
  protected readonly pending: Change[] = []
  /** Since the beginning, durable or not. */
  changes = 0

  /** @param through Only what had been changed when {@link changes} was this. */
  sync(through = this.changes): void {
    const durable = this.pending.length - (this.changes - through)
    for (const change of this.pending.splice(0, Math.max(0, durable))) this.keep(change)
  }

  protected add(change: Change): void {
    this.pending.push(change)
    this.changes++
  }

  protected abstract keep(change: Change): void
}

export class VolatileFile extends Volatile<Write | Truncation> {
  #shown: Buffer
  #durable: Buffer

  /** @param bytes Durable from the beginning. */
  constructor(bytes: Uint8Array = new Uint8Array()) {
    super()
    this.#shown = Buffer.from(bytes)
    this.#durable = Buffer.from(bytes)
  }

  /** As every process sees it. */
  get shown(): Buffer {
    return this.#shown
  }

  write(position: number, bytes: Uint8Array): void {
    const write = { position, bytes }
    this.#shown = changed(this.#shown, write)
    this.add(write)
  }

  truncate(length: number): void {
    if (length === this.#shown.length) return
    this.#shown = changed(this.#shown, { length })
    this.add({ length })
  }

  /** What is left when the power goes now. */
  afterPowerCut(random: Random, isKept: () => boolean): Buffer {
    let bytes: Buffer = Buffer.from(this.#durable)
    for (const change of this.pending)
      for (const part of 'length' in change ? whole(change, isKept) : torn(change, random, isKept))
        bytes = changed(bytes, part)
    // The length may have reached the platter without the data.
    const missing = this.#shown.length - bytes.length
    return missing > 0 && random() < 0.2 ? Buffer.concat([bytes, Buffer.alloc(missing)]) : bytes
  }

  /** After the cut this is all there is. */
  settle(bytes: Buffer): void {
    this.#shown = Buffer.from(bytes)
    this.#durable = Buffer.from(bytes)
    this.pending.length = 0
  }

  protected override keep(change: Write | Truncation): void {
    this.#durable = changed(this.#durable, change)
  }
}

interface NameChange<Node> {
  readonly name: string
  /** Undefined: removed. */
  readonly node: Node | undefined
  /** Another name, which goes in the same step. */
  readonly from?: string
}

/** Names of a folder, each of a file or of whatever else. */
export class VolatileNames<Node> extends Volatile<NameChange<Node>> {
  readonly #shown: Map<string, Node>
  #durable: Map<string, Node>

  /** @param names Durable from the beginning. */
  constructor(names: Iterable<readonly [string, Node]> = []) {
    super()
    this.#shown = new Map(names)
    this.#durable = new Map(this.#shown)
  }

  /** As every process sees them. */
  get shown(): ReadonlyMap<string, Node> {
    return this.#shown
  }

  set(name: string, node: Node): void {
    this.#shown.set(name, node)
    this.add({ name, node })
  }

  remove(name: string): void {
    if (this.#shown.delete(name)) this.add({ name, node: undefined })
  }

  rename(from: string, to: string): void {
    const change = { name: to, node: this.#shown.get(from), from }
    apply(this.#shown, change)
    this.add(change)
  }

  /** What is left when the power goes now. */
  afterPowerCut(isKept: () => boolean): Map<string, Node> {
    const names = new Map(this.#durable)
    for (const change of this.pending) if (isKept()) apply(names, change)
    return names
  }

  /** After the cut these are all there are. */
  settle(names: ReadonlyMap<string, Node>): void {
    this.#shown.clear()
    for (const [name, node] of names) this.#shown.set(name, node)
    this.#durable = new Map(names)
    this.pending.length = 0
  }

  protected override keep(change: NameChange<Node>): void {
    apply(this.#durable, change)
  }
}

function apply<Node>(names: Map<string, Node>, { name, node, from }: NameChange<Node>): void {
  if (from !== undefined) names.delete(from)
  if (node === undefined) names.delete(name)
  else names.set(name, node)
}

/** In place where it fits. */
function changed(into: Buffer, change: Write | Truncation): Buffer {
  const end = 'length' in change ? change.length : Math.max(into.length, change.position + change.bytes.length)
  const result = end > into.length ? Buffer.concat([into, Buffer.alloc(end - into.length)]) : into.subarray(0, end)
  if ('bytes' in change) result.set(change.bytes, change.position)
  return result
}

function whole<Change>(change: Change, isKept: () => boolean): Change[] {
  return isKept() ? [change] : []
}

/** The parts of a write that survive: all, none, or sectors of it. */
function torn(write: Write, random: Random, isKept: () => boolean): Write[] {
  if (random() < 0.5) return whole(write, isKept)
  const { position, bytes } = write
  const sectors: Write[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + SECTOR_BYTES - ((position + at) % SECTOR_BYTES))
    if (isKept()) sectors.push({ position: position + at, bytes: bytes.subarray(at, end) })
    at = end
  }
  return sectors
}
