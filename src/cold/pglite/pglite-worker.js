// @ts-check
/**
 * PGlite in a thread of its own: a statement blocks the event loop that it runs on for as long as it takes. Plain
 * JavaScript because Node 20 cannot start a TypeScript worker. It travels as text (see src/build/embed.ts), so it imports
 * nothing of ours, and packages only by a path that it is given.
 *
 * On a folder, every fsync of Postgres is a real one. A failed fsync ends the thread: what it should have kept may be
 * gone from the page cache, so nothing that this database says afterwards can be believed until it is opened anew.
 */
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'

/** PGlite reads texts with a decoder that drops a byte-order mark at their beginning; in this thread decoders keep it. */
class MarkKeepingDecoder extends TextDecoder {
  /** @param {string} [encoding] @param {ConstructorParameters<typeof TextDecoder>[1]} [options] */
  constructor(encoding, options) {
    super(encoding, { ignoreBOM: true, ...options })
  }
}
// The compiler takes `globalThis.TextDecoder = …` for a declaration, and finds a class that extends itself.
Object.assign(globalThis, { TextDecoder: MarkKeepingDecoder })

const { from } = /** @type {{ from: string }} */ (workerData)
const require = createRequire(from)
const { PGlite } = /** @type {typeof import('@electric-sql/pglite')} */ (require('@electric-sql/pglite'))
const { vector } = /** @type {typeof import('@electric-sql/pglite-pgvector')} */ (
  require('@electric-sql/pglite-pgvector')
)

/**
 * @typedef {{ id: number, operation: 'query' | 'exec' | 'copy' | 'close', text: string, params?: unknown[], bytes?: Uint8Array<ArrayBuffer> }} Request
 * @typedef {{ folder: string | undefined, image: ImageFile[] | undefined }} Place Neither: a new database in memory.
 * @typedef {{ path: string, size: number, content: Uint8Array }} ImageFile A folder where the size is negative.
 * @typedef {{ node: object, nfd?: number }} OpenFile An open file or folder of the emulated file system.
 * @typedef {import('@electric-sql/pglite').PGlite} PGlite
 * @typedef {NonNullable<import('@electric-sql/pglite').PGliteOptions['fs']>} Filesystem
 * @typedef {{ stream_ops: Record<string, (file: OpenFile) => number>, realPath(node: object): string }} NodeFileSystem
 */

/** What the promise of durability relies on. */
const SETTINGS = ['wal_sync_method=fsync']
/**
 * Postgres clears its buffers when it starts, and so takes all of that memory: a third of the time that an existing
 * folder takes to open goes to the default of 128 MiB. The index of 10,000 vectors of 384 numbers fits into 32, and
 * what does not comes from the system's cache, in some microseconds a page. Files in memory need fewer still.
 */
const FOLDER_SETTINGS = ['shared_buffers=32MB']
const MEMORY_SETTINGS = ['shared_buffers=16MB']
/** `-F` switches fsync off. */
const START_PARAMS = PGlite.defaultStartParams.filter((parameter) => parameter !== '-F')
/** How text of the database is read. bytea is slow by default; times stay text, as on a server. */
const BYTEA = 17
const TIMES = [1082, 1114, 1115, 1182, 1184, 1185, 1186, 1187, 1231]
const PARSERS = {
  [BYTEA]: bytesOf,
  ...Object.fromEntries(TIMES.map((type) => [type, (/** @type {string} */ text) => text])),
}

/**
 * The files of a database, which come once the rest of Postgres is there: loading it takes a third of the time that
 * opening takes, and begins before it is known where the files are.
 *
 * @implements {Filesystem}
 */
class LateFiles {
  /** @type {(place: Place) => void} To be called once. */
  giveTo = () => {}
  /** @type {Promise<Place>} */
  #place = new Promise((resolve) => {
    this.giveTo = resolve
  })
  /** @type {PGlite | undefined} */
  #pg
  #startParams
  #isMounted = false

  /** @param {string[]} startParams To which those are added that depend on the place. Read after the files are there. */
  constructor(startParams) {
    this.#startParams = startParams
  }

  /** @template T @param {PGlite} pg @param {T} emscriptenOpts */
  async init(pg, emscriptenOpts) {
    this.#pg = pg
    return { emscriptenOpts }
  }

  /** Called before PGlite looks whether there is a database. */
  async initialSyncFs() {
    const { folder, image } = await this.#place
    const settings = folder === undefined ? MEMORY_SETTINGS : FOLDER_SETTINGS
    this.#startParams.push(...asParameters(settings))
    const files = this.#module.FS
    if (folder !== undefined) this.#mount(folder)
    else if (image !== undefined) writeImage(files, image)
  }

  /** With the fsync that PGlite leaves out. @param {string} folder */
  #mount(folder) {
    const { FS } = this.#module
    const onDisk = /** @type {NodeFileSystem} */ (FS.filesystems.NODEFS)
    onDisk.stream_ops.fsync = (file) => {
      try {
        if (file.nfd !== undefined) fs.fsyncSync(file.nfd)
        else syncFolder(onDisk.realPath(file.node))
      } catch {
        process.exit(1)
      }
      return 0
    }
    FS.mkdirTree(DATA)
    FS.mount(onDisk, { root: folder }, DATA)
    this.#isMounted = true
  }

  /** The system has what was written, and what has to be on the disk was synced. */
  async syncToFs() {}

  async closeFs() {
    if (this.#isMounted) this.#module.FS.quit()
  }

  /** @returns {Promise<never>} */
  async dumpTar() {
    throw new Error('nobody asks for it')
  }

  /** @returns {any} The program with its file systems, whose types PGlite does not declare. */
  get #module() {
    return /** @type {PGlite} */ (this.#pg).Module
  }
}

/** @param {any} files Emulated, in memory. @param {readonly ImageFile[]} image */
function writeImage(files, image) {
  files.mkdirTree(DATA, 0o700)
  for (const { path, size, content } of image) {
    if (size < 0) files.mkdirTree(`${DATA}/${path}`, 0o700)
    else files.writeFile(`${DATA}/${path}`, filled(content, size), { canOwn: true })
  }
}
const DATA = PGlite.paths.PGDATA

/** @param {Uint8Array} content @param {number} size Zeros follow. */
function filled(content, size) {
  const bytes = new Uint8Array(size)
  bytes.set(content)
  return bytes
}

/** @param {readonly string[]} settings */
function asParameters(settings) {
  return settings.flatMap((setting) => ['-c', setting])
}

/** @param {string} path */
function syncFolder(path) {
  const descriptor = fs.openSync(path, 'r')
  try {
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}

/** @param {string} text `\x` and hex digits. */
function bytesOf(text) {
  // A buffer of its own: one from the pool would be sent to the main thread with the whole pool.
  const bytes = Buffer.allocUnsafeSlow((text.length - 2) / 2)
  bytes.write(text.slice(2), 'hex')
  return bytes
}

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort)

const startParams = [...START_PARAMS, ...asParameters(SETTINGS)]
const files = new LateFiles(startParams)
/** @type {PGlite | undefined} */
let database
// Listened to without a pause: a thread with nothing to listen to waits until V8 has compiled all that it optimizes.
port.on('message', (message) => {
  if (database !== undefined) void answer(database, message)
  else if ('program' in message) void start(message.program)
  else files.giveTo(message)
})

/** @param {WebAssembly.Module} program */
async function start(program) {
  try {
    database = await PGlite.create({
      fs: files,
      pgliteWasmModule: program,
      extensions: { vector },
      parsers: PARSERS,
      startParams,
    })
  } catch (error) {
    port.postMessage({ id: 0, error: describe(error) })
    process.exit(1)
  }
  port.postMessage({ id: 0, result: null })
}

/** @param {PGlite} database @param {Request} request */
async function answer(database, request) {
  try {
    const result = await perform(database, request)
    port.postMessage({ id: request.id, result })
    // Ends this thread alone. Closing the port would as well, but Deno has no such call.
    if (request.operation === 'close') process.exit(0)
  } catch (error) {
    port.postMessage({ id: request.id, error: describe(error) })
    if (isBroken(error)) process.exit(1)
  }
}

/** @param {PGlite} database @param {Request} request */
async function perform(database, { operation, text, params, bytes }) {
  switch (operation) {
    case 'query': {
      const { rows } = await database.query(text, params)
      return { rows }
    }
    case 'exec':
      await database.exec(text)
      return null
    case 'copy': {
      const { affectedRows } = await database.query(text, [], { blob: asBlob(bytes ?? new Uint8Array()) })
      return affectedRows
    }
    case 'close':
      await database.close()
      return null
  }
}

/**
 * As much of a blob as PGlite asks for. A real one leaks: Node 20 never frees about half of what `arrayBuffer` answers.
 * @param {Uint8Array<ArrayBuffer>} bytes With a buffer of their own.
 */
function asBlob(bytes) {
  return /** @type {Blob} */ ({ arrayBuffer: async () => bytes.buffer })
}

/**
 * The part of an error that holds nothing of a row.
 * @param {unknown} error
 */
function describe(error) {
  const { name, code, constraint } = /** @type {Record<string, unknown>} */ (error ?? {})
  return { name: String(name), code, constraint }
}

/**
 * Whether the database itself is broken, rather than a statement refused.
 * @param {unknown} error
 */
function isBroken(error) {
  const { name, severity } = /** @type {Record<string, unknown>} */ (error ?? {})
  return name === 'RuntimeError' || name === 'ExitStatus' || severity === 'FATAL' || severity === 'PANIC'
}
