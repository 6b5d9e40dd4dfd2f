/**
 * A folder as a disk has it under processes whose system calls were recorded: what they wrote and named, and what of it
 * a power cut at a chosen moment leaves. A write counts from when it was done, a sync for what was done before it
 * began.
 *
 * Names are volatile until their folder is synced. Postgres counts on more: that a file's name is durable with the
 * file, as journaling file systems have it, which commit what was done to the folder before. `keepsNames` says where.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import type { Random } from './seeded-random.ts'
import { bytesIn, type Moment, numbersAtEnd, pathOfDescriptor, type SystemCall } from './system-calls.ts'
import { survival, VolatileFile, VolatileNames } from './volatile-disk.ts'

class Folder extends VolatileNames<Folder | VolatileFile> {}

export interface RecordedDiskOptions {
  /** Holds what is durable from the beginning. */
  readonly root: string
  /** Whether a sync of this file makes the names of its folder durable. */
  readonly keepsNames: (path: string) => boolean
}

export class RecordedDisk {
  readonly #root: string
  readonly #keepsNames: (path: string) => boolean
  readonly #top: Folder
  /** What the syncs under way make durable. */
  readonly #syncs = new Map<SystemCall, () => void>()
  /** Where the next write without a position goes, by descriptor. */
  readonly #positions = new Map<string, number>()
  /** Begun and not done. */
  readonly #open = new Set<SystemCall>()

  constructor({ root, keepsNames }: RecordedDiskOptions) {
    this.#root = root
    this.#keepsNames = keepsNames
    this.#top = load(root)
  }

  /** Whether a moment has to do with this disk. */
  concerns({ call }: Moment): boolean {
    // What goes through a ring is not seen.
    return call.args.includes(this.#root) || call.name === 'io_uring_setup'
  }

  see(moment: Moment): void {
    if (!this.concerns(moment)) return
    const { call } = moment
    if (moment.what === 'begun') {
      this.#open.add(call)
      if (call.name.endsWith('sync')) this.#beginSync(call)
    } else {
      this.#open.delete(call)
      if (moment.what === 'done') this.#do(call, moment.result)
    }
  }

  /** Lays out what is left when the power goes now. */
  layOut(target: string, random: Random, isKept = survival(random)): void {
    layOut(this.#top, target, random, isKept, new Map())
  }

  /**
   * The process was killed: what it had begun may be done or not, and the folder tells. Anything else that differs was
   * not seen as it happened.
   */
  reconcile(): void {
    const underWay = [...this.#open].flatMap((call) => pathOfDescriptor(call) ?? this.#pathsIn(call))
    for (const path of adopt(this.#top, this.#root))
      if (!underWay.includes(path)) throw new Error(`${path} is another than the recorded system calls make it`)
    this.#open.clear()
    this.#syncs.clear()
    this.#positions.clear()
  }

  #beginSync(call: SystemCall): void {
    const path = pathOfDescriptor(call) ?? ''
    const node = this.#find(path)
    const folder = node instanceof VolatileFile && this.#keepsNames(path) ? this.#folderOf(path) : undefined
    const [contents, names] = [node?.changes, folder?.changes]
    this.#syncs.set(call, () => {
      node?.sync(contents)
      folder?.sync(names)
    })
  }

  #do(call: SystemCall, result: string): void {
    switch (call.name) {
      case 'openat':
        this.#opened(call, result)
        break
      case 'write':
      case 'writev':
        this.#written(call, this.#advance(call, parseInt(result, 10)), parseInt(result, 10))
        break
      case 'pwrite64':
      case 'pwritev':
        this.#written(call, numbersAtEnd(call).at(-1)!, parseInt(result, 10))
        break
      case 'ftruncate':
        this.#file(pathOfDescriptor(call))?.truncate(numbersAtEnd(call).at(-1)!)
        break
      case 'fsync':
      case 'fdatasync':
        this.#syncs.get(call)!()
        this.#syncs.delete(call)
        break
      case 'mkdir':
      case 'mkdirat':
        this.#name(this.#pathsIn(call)[0]!, new Folder())
        break
      case 'rmdir':
      case 'unlink':
      case 'unlinkat':
        this.#unname(this.#pathsIn(call)[0]!)
        break
      case 'link':
      case 'linkat': {
        const [from, to] = this.#pathsIn(call)
        this.#name(to!, this.#find(from!)!)
        break
      }
      case 'rename':
      case 'renameat':
      case 'renameat2': {
        const [from, to] = this.#pathsIn(call)
        if (dirname(from!) !== dirname(to!)) throw new Error('not simulated: a rename into another folder')
        this.#folderOf(from!)?.rename(basename(from!), basename(to!))
        break
      }
      default:
        throw new Error(`not simulated: ${call.name}(${call.args.slice(0, 200)})`)
    }
  }

  #opened(call: SystemCall, result: string): void {
    const [path] = this.#pathsIn(call)
    const { args } = call
    if (args.includes('O_CREAT') && this.#find(path!) === undefined) this.#name(path!, new VolatileFile())
    if (args.includes('O_TRUNC')) this.#file(path)?.truncate(0)
    this.#positions.set(
      String(parseInt(result, 10)),
      args.includes('O_APPEND') ? (this.#file(path)?.shown.length ?? 0) : 0,
    )
  }

  /** Answers where this write goes. */
  #advance({ args }: SystemCall, written: number): number {
    const descriptor = String(parseInt(args, 10))
    const position = this.#positions.get(descriptor) ?? 0
    this.#positions.set(descriptor, position + written)
    return position
  }

  #written(call: SystemCall, position: number, length: number): void {
    this.#file(pathOfDescriptor(call))?.write(position, Buffer.concat(bytesIn(call)).subarray(0, length))
  }

  #pathsIn(call: SystemCall): string[] {
    return bytesIn(call).map(String)
  }

  #name(path: string, node: Folder | VolatileFile): void {
    this.#folderOf(path)?.set(basename(path), node)
  }

  #unname(path: string): void {
    this.#folderOf(path)?.remove(basename(path))
  }

  #file(path: string | undefined): VolatileFile | undefined {
    const node = path === undefined ? undefined : this.#find(path)
    return node instanceof VolatileFile ? node : undefined
  }

  #folderOf(path: string): Folder | undefined {
    const node = this.#find(dirname(path))
    return node instanceof Folder ? node : undefined
  }

  #find(path: string): Folder | VolatileFile | undefined {
    const names = relative(this.#root, path)
      .split('/')
      .filter((name) => name !== '')
    let node: Folder | VolatileFile | undefined = this.#top
    for (const name of names) node = node instanceof Folder ? node.shown.get(name) : undefined
    return node
  }
}

function load(path: string): Folder {
  const entries = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory() || entry.isFile())
  return new Folder(
    entries.map((entry): [string, Folder | VolatileFile] => {
      const below = join(path, entry.name)
      return [entry.name, entry.isDirectory() ? load(below) : new VolatileFile(readFileSync(below))]
    }),
  )
}

/** Contents by file: two names of one file show the same. */
type Contents = Map<VolatileFile, Buffer>

function layOut(folder: Folder, path: string, random: Random, isKept: () => boolean, contents: Contents): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  for (const [name, node] of folder.afterPowerCut(isKept)) {
    const below = join(path, name)
    if (node instanceof Folder) layOut(node, below, random, isKept, contents)
    else {
      const bytes = contents.get(node) ?? node.afterPowerCut(random, isKept)
      contents.set(node, bytes)
      writeFileSync(below, bytes)
    }
  }
}

/** Makes the folder what it really is by now, and answers the paths that were different. */
function adopt(folder: Folder, path: string): string[] {
  const real = load(path)
  const differing: string[] = []
  for (const name of folder.shown.keys())
    if (!real.shown.has(name)) {
      folder.remove(name)
      differing.push(join(path, name))
    }
  for (const [name, found] of real.shown) {
    const known = folder.shown.get(name)
    const below = join(path, name)
    if (known instanceof Folder && found instanceof Folder) differing.push(...adopt(known, below))
    else if (!(known instanceof VolatileFile && found instanceof VolatileFile)) {
      folder.set(name, found)
      differing.push(below)
    } else if (!known.shown.equals(found.shown)) {
      known.write(0, found.shown)
      known.truncate(found.shown.length)
      differing.push(below)
    }
  }
  return differing
}
