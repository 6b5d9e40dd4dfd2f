/**
 * A disk that keeps only what it was told to keep, under a log's device. The files in the real folder are what the
 * operating system shows, its page cache; beside it stands what would survive a power cut:
 * - written data is volatile until fdatasync or fsync of that file;
 * - creations, renames and deletions are volatile until an fsync of the folder;
 * - when the power goes, each of these that is not durable yet is kept or dropped, in any subset, and a write may be torn
 *   at its 512-byte sectors.
 *
 * At the chosen operation either the power goes (`cutPower` lays out what is left) or the process is killed: then the
 * folder stays as it is, and what was volatile remains so under the next process.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LogDevice, LogDeviceFailure, LogOperation } from '../../src/wal/log-device.ts'
import { pick, type Random } from './seeded-random.ts'

const SECTOR_BYTES = 512

interface Write {
  readonly position: number
  readonly bytes: Uint8Array
}

/** A file, under whatever names it has. */
interface Inode {
  /** As every process sees it. */
  shown: Buffer
  /** As the platter has it. */
  durable: Buffer
  /** Since the last sync. */
  readonly writes: (Write | 'truncate')[]
}

/** Changes of the folder since its last sync. */
type NameChange =
  | { readonly kind: 'set'; readonly name: string; readonly inode: Inode }
  | { readonly kind: 'remove'; readonly name: string }

/** Open files of one process. */
type Handles = Map<string, Inode>

/** A disk that lies: syncs of this kind are answered and not done. To see whether anybody would notice. */
export type Lie = 'fdatasync' | 'fsync' | 'fsync-folder'

export class SimulatedDisk {
  readonly #random: Random
  readonly #lie: Lie | undefined
  #folder = ''
  /** Names as every process sees them, and as the platter has them. */
  readonly #shown = new Map<string, Inode>()
  #durable = new Map<string, Inode>()
  #changes: NameChange[] = []
  #left = Infinity
  #isDown = false

  constructor(random: Random, lie?: Lie) {
    this.#random = random
    this.#lie = lie
  }

  /** Ends everything at the n-th operation from now, from 1. */
  failAfter(operations: number): void {
    this.#left = operations
  }

  get isDown(): boolean {
    return this.#isDown
  }

  /** A device for the next process. */
  readonly open = (folder: string): Promise<LogDevice> => {
    this.#folder = folder
    this.#isDown = false
    const handles: Handles = new Map()
    return Promise.resolve({
      run: (operations) => this.#run(operations, handles),
      close: () => Promise.resolve(),
    })
  }

  /** What a power cut leaves, laid out in the folder. */
  cutPower(): void {
    // Some cuts lose everything that was volatile, some next to nothing.
    const kept = pick(this.#random, 0, 4) / 4
    const isKept = (): boolean => this.#random() < kept
    const names = new Map(this.#durable)
    for (const change of this.#changes) if (isKept()) apply(names, change)
    for (const inode of new Set([...names.values()])) settle(inode, this.#survivor(inode, isKept))
    this.#durable = names
    this.#changes = []
    this.#shown.clear()
    for (const [name, inode] of names) this.#shown.set(name, inode)
    this.#layOut()
  }

  async #run(operations: readonly LogOperation[], handles: Handles): Promise<LogDeviceFailure | undefined> {
    for (const operation of operations) {
      if (this.#isDown) throw new Error('there is nobody any more')
      this.#left--
      if (this.#left <= 0) {
        this.#isDown = true
        this.#left = Infinity
        this.#doHalf(operation, handles)
        throw new Error('it went down')
      }
      this.#do(operation, handles)
    }
    return undefined
  }

  /** The operation at which it ends: not begun, begun or done, but never answered. */
  #doHalf(operation: LogOperation, handles: Handles): void {
    const share = this.#random()
    if (operation.op === 'write') {
      const length = share < 0.3 ? operation.bytes.byteLength : Math.floor(operation.bytes.byteLength * this.#random())
      this.#do({ ...operation, bytes: operation.bytes.slice(0, length) }, handles)
    } else if (share < 0.5) this.#do(operation, handles)
  }

  #do(operation: LogOperation, handles: Handles): void {
    switch (operation.op) {
      case 'create':
      case 'open':
        handles.set(operation.handle, this.#open(operation.name, operation.op === 'create'))
        break
      case 'write':
        this.#write(handles.get(operation.handle)!, { position: operation.position, bytes: operation.bytes.slice() })
        break
      case 'fdatasync':
      case 'fsync': {
        const inode = handles.get(operation.handle)!
        if (this.#lie !== operation.op) settle(inode, inode.shown)
        break
      }
      case 'close':
        handles.delete(operation.handle)
        break
      case 'link':
        this.#link(operation.from, operation.to)
        break
      case 'unlink':
        this.#unlink(operation.name)
        break
      case 'fsync-folder':
        if (this.#lie !== 'fsync-folder') this.#syncFolder()
        break
      case 'expect-room':
        break
      case 'expect':
        // Of a file that is written past this device, before it is opened.
        if (!readFileSync(join(this.#folder, operation.name), 'latin1').startsWith(operation.text))
          throw new Error('it was taken over')
        break
    }
  }

  #open(name: string, isEmptied: boolean): Inode {
    const inode = this.#shown.get(name) ?? this.#make(name)
    if (isEmptied && inode.shown.length > 0) {
      inode.shown = Buffer.alloc(0)
      inode.writes.push('truncate')
    }
    this.#show(inode)
    return inode
  }

  #write(inode: Inode, write: Write): void {
    inode.shown = written(inode.shown, write)
    inode.writes.push(write)
    this.#show(inode)
  }

  #link(from: string, to: string): void {
    linkSync(join(this.#folder, from), join(this.#folder, to))
    this.#change({ kind: 'set', name: to, inode: this.#shown.get(from)! })
  }

  #unlink(name: string): void {
    if (this.#shown.has(name)) this.#change({ kind: 'remove', name })
    rmSync(join(this.#folder, name), { force: true })
  }

  #syncFolder(): void {
    this.#durable = new Map(this.#shown)
    this.#changes = []
  }

  #make(name: string): Inode {
    const inode: Inode = { shown: Buffer.alloc(0), durable: Buffer.alloc(0), writes: [] }
    this.#change({ kind: 'set', name, inode })
    return inode
  }

  #change(change: NameChange): void {
    apply(this.#shown, change)
    this.#changes.push(change)
  }

  /** Into the real folder, under the name it has by now. */
  #show(inode: Inode): void {
    for (const [name, other] of this.#shown) if (other === inode) writeFileSync(join(this.#folder, name), inode.shown)
  }

  #survivor(inode: Inode, isKept: () => boolean): Buffer {
    let bytes = inode.durable
    for (const write of inode.writes) {
      if (write === 'truncate') bytes = isKept() ? Buffer.alloc(0) : bytes
      else for (const sector of this.#torn(write, isKept)) bytes = written(bytes, sector)
    }
    // The length may have reached the platter without the data.
    if (bytes.length < inode.shown.length && this.#random() < 0.2)
      bytes = Buffer.concat([bytes, Buffer.alloc(inode.shown.length - bytes.length)])
    return bytes
  }

  /** The parts of a write that survive: all, none, or sectors of it. */
  #torn({ position, bytes }: Write, isKept: () => boolean): Write[] {
    if (this.#random() < 0.5) return isKept() ? [{ position, bytes }] : []
    const sectors: Write[] = []
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + SECTOR_BYTES - ((position + at) % SECTOR_BYTES))
      if (isKept()) sectors.push({ position: position + at, bytes: bytes.subarray(at, end) })
      at = end
    }
    return sectors
  }

  #layOut(): void {
    mkdirSync(this.#folder, { recursive: true })
    for (const name of readdirSync(this.#folder))
      if (name !== 'lock') rmSync(join(this.#folder, name), { recursive: true })
    for (const [name, { shown }] of this.#shown) writeFileSync(join(this.#folder, name), shown)
  }
}

function apply(names: Map<string, Inode>, change: NameChange): void {
  if (change.kind === 'set') names.set(change.name, change.inode)
  else names.delete(change.name)
}

function settle(inode: Inode, bytes: Buffer): void {
  inode.shown = bytes
  inode.durable = bytes
  inode.writes.length = 0
}

function written(into: Buffer, { position, bytes }: Write): Buffer {
  const result = Buffer.alloc(Math.max(into.length, position + bytes.length))
  into.copy(result)
  result.set(bytes, position)
  return result
}
