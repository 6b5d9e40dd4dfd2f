/**
 * A disk that keeps only what it was told to keep, under a log's device. The files in the real folder are what the
 * operating system shows, its page cache; beside it stands what would survive a power cut:
 * - written data is volatile until fdatasync or fsync of that file;
 * - creations, renames and deletions are volatile until an fsync of the folder;
 * - when the power goes, each of these that is not durable yet is kept or dropped, in any subset, and a write may be
 *   torn at its 512-byte sectors.
 *
 * At the chosen operation either the power goes (`cutPower` lays out what is left) or the process is killed: then the
 * folder stays as it is, and what was volatile remains so under the next process.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LogDevice, LogDeviceFailure, LogOperation } from '../../src/wal/log-device.ts'
import type { Random } from './seeded-random.ts'
import { survival, VolatileFile, VolatileNames } from './volatile-disk.ts'

/** Open files of one process. */
type Handles = Map<string, VolatileFile>

/** A disk that lies: syncs of this kind are answered and not done. To see whether anybody would notice. */
export type Lie = 'fdatasync' | 'fsync' | 'fsync-folder'

export class SimulatedDisk {
  readonly #random: Random
  readonly #lie: Lie | undefined
  #folder = ''
  readonly #names = new VolatileNames<VolatileFile>()
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
    const isKept = survival(this.#random)
    const names = this.#names.afterPowerCut(isKept)
    for (const file of new Set(names.values())) file.settle(file.afterPowerCut(this.#random, isKept))
    this.#names.settle(names)
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
        this.#write(handles.get(operation.handle)!, operation.position, operation.bytes.slice())
        break
      case 'fdatasync':
      case 'fsync':
        if (this.#lie !== operation.op) handles.get(operation.handle)!.sync()
        break
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
        if (this.#lie !== 'fsync-folder') this.#names.sync()
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

  #open(name: string, isEmptied: boolean): VolatileFile {
    const file = this.#names.shown.get(name) ?? this.#make(name)
    if (isEmptied) file.truncate(0)
    this.#show(file)
    return file
  }

  #make(name: string): VolatileFile {
    const file = new VolatileFile()
    this.#names.set(name, file)
    return file
  }

  #write(file: VolatileFile, position: number, bytes: Uint8Array): void {
    file.write(position, bytes)
    this.#show(file)
  }

  #link(from: string, to: string): void {
    linkSync(join(this.#folder, from), join(this.#folder, to))
    this.#names.set(to, this.#names.shown.get(from)!)
  }

  #unlink(name: string): void {
    this.#names.remove(name)
    rmSync(join(this.#folder, name), { force: true })
  }

  /** Into the real folder, under the name it has by now. */
  #show(file: VolatileFile): void {
    for (const [name, other] of this.#names.shown)
      if (other === file) writeFileSync(join(this.#folder, name), file.shown)
  }

  #layOut(): void {
    mkdirSync(this.#folder, { recursive: true })
    for (const name of readdirSync(this.#folder))
      if (name !== 'lock') rmSync(join(this.#folder, name), { recursive: true })
    for (const [name, { shown }] of this.#names.shown) writeFileSync(join(this.#folder, name), shown)
  }
}
