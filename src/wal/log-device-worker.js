/**
 * Runs a log's file operations with synchronous calls; see log-device.ts. JavaScript, because a worker thread of Node
 * 20 cannot load TypeScript.
 *
 * @typedef {import('./log-device.ts').LogOperation} LogOperation
 * @typedef {import('./log-device.ts').WorkerFailure} WorkerFailure
 */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { parentPort } from 'node:worker_threads'

/** The first message. @type {string} */
let folder
/** @type {Map<string, number>} */
const descriptors = new Map()
/**
 * A descriptor that is held for when the process has none left: in the midst of a list of operations there is no way
 * back, and other threads take what is free. Undefined once it has been used, until another can be had.
 *
 * @type {number | undefined}
 */
let spare
/** Whether operations of this list were done already. */
let isUnderWay = false
/** What passes when somebody closes a file, or gives memory back. */
const SHORTAGES = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])
/** Pauses between two attempts in the midst of a list, ten seconds in all; nobody else uses this thread. */
const PAUSES_MS = [1, 2, 4, 8, 16, 32, 64, 128, ...Array(39).fill(250)]
/** Bytes of the write under way. */
let written = 0

/** @param {string} handle */
function descriptorOf(handle) {
  const descriptor = descriptors.get(handle)
  if (descriptor === undefined) throw Object.assign(new Error('the handle is not open'), { code: 'EBADF' })
  return descriptor
}

/** @param {string} path @param {number} flags */
function openPatiently(path, flags) {
  for (let tries = 0; ; tries++) {
    try {
      return openSync(path, flags, 0o600)
    } catch (error) {
      const { code = '' } = /** @type {NodeJS.ErrnoException} */ (error)
      if (!SHORTAGES.has(code) || (!isUnderWay && spare === undefined)) throw error
      if (spare !== undefined) closeSync(spare)
      else if (tries < PAUSES_MS.length) pause(PAUSES_MS[tries] ?? 0)
      else throw error
      spare = undefined
    }
  }
}

/** @param {number} millis */
function pause(millis) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis)
}

/** Fails while the process has no descriptor left, before anything is begun that one may be needed for. */
function holdSpare() {
  spare ??= openSync(folder, 'r')
}

/** @param {string} handle */
function close(handle) {
  const descriptor = descriptors.get(handle)
  descriptors.delete(handle)
  if (descriptor !== undefined) closeSync(descriptor)
}

/** @param {string} handle @param {string} name @param {number} flags */
function open(handle, name, flags) {
  close(handle)
  descriptors.set(handle, openPatiently(join(folder, name), constants.O_RDWR | constants.O_NOFOLLOW | flags))
}

/** Never a file that somebody else made. @param {string} handle @param {string} name */
function create(handle, name) {
  try {
    open(handle, name, constants.O_CREAT | constants.O_EXCL)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
    rmSync(join(folder, name))
    open(handle, name, constants.O_CREAT | constants.O_EXCL)
  }
}

/** @param {number} descriptor @param {Uint8Array} bytes @param {number} position */
function writeAll(descriptor, bytes, position) {
  // A full disk answers with a short count first, and with ENOSPC only when nothing fits any more.
  while (written < bytes.byteLength)
    written += writeSync(descriptor, bytes, written, bytes.byteLength - written, position + written)
}

/** @param {string} path */
function fsyncFolder(path) {
  const descriptor = openPatiently(path, constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** @param {string} path @param {string} text */
function expect(path, text) {
  const found = Buffer.alloc(text.length)
  try {
    const descriptor = openPatiently(path, constants.O_RDONLY)
    try {
      readSync(descriptor, found, 0, found.length, 0)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    // A file that is gone is no longer what it was either.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error
  }
  if (found.toString('latin1') !== text) throw Object.assign(new Error('the file is another'), { code: 'ECHANGED' })
}

/** @param {number} bytes */
function expectRoom(bytes) {
  const { bavail, bsize, blocks } = statfsSync(folder)
  // A file system without blocks does not know.
  if (blocks > 0 && bavail * bsize < bytes) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })
}

/** @param {LogOperation} operation */
function run(operation) {
  switch (operation.op) {
    case 'create':
      return create(operation.handle, operation.name)
    case 'open':
      return open(operation.handle, operation.name, operation.orCreate ? constants.O_CREAT : 0)
    case 'write':
      return writeAll(descriptorOf(operation.handle), operation.bytes, operation.position)
    case 'fdatasync':
      return fdatasyncSync(descriptorOf(operation.handle))
    case 'fsync':
      return fsyncSync(descriptorOf(operation.handle))
    case 'close':
      return close(operation.handle)
    case 'link':
      return linkSync(join(folder, operation.from), join(folder, operation.to))
    case 'unlink':
      return rmSync(join(folder, operation.name), { force: true })
    case 'fsync-folder':
      return fsyncFolder(folder)
    case 'expect-room':
      return expectRoom(operation.bytes)
    case 'expect':
      return expect(join(folder, operation.name), operation.text)
  }
}

/** @param {readonly LogOperation[]} operations @returns {WorkerFailure | undefined} */
function runAll(operations) {
  for (const [index, operation] of operations.entries()) {
    written = 0
    isUnderWay = index > 0
    try {
      if (!isUnderWay) holdSpare()
      run(operation)
    } catch (error) {
      return { index, code: /** @type {NodeJS.ErrnoException} */ (error).code ?? 'UNKNOWN', written }
    }
  }
  return undefined
}

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort)
port.on('message', (/** @type {string | readonly LogOperation[] | 'end'} */ message) => {
  if (typeof message !== 'string') return port.postMessage(runAll(message))
  if (message !== 'end') {
    folder = message
    return port.postMessage('ready')
  }
  for (const descriptor of descriptors.values()) closeSync(descriptor)
  if (spare !== undefined) closeSync(spare)
  // Ends this thread alone. Closing the port would as well, but Deno has no such call.
  process.exit(0)
})
