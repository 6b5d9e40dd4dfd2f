/**
 * Everything by which a recovery changes something, step by step: each operation on a log's files, with writes in two
 * halves; each folder made, renamed or removed; each statement of the embedded database.
 */
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { basename, dirname } from 'node:path'
import { PgliteClient } from '../../src/cold/pglite/pglite-client.ts'
import { type LogDeviceFailure, type LogOperation, WorkerLogDevice } from '../../src/wal/log-device.ts'
import { OWNER_FILE } from '../../src/wal/log-owner.ts'

/** Called before a step is done; where it throws, the step is not done. */
export type OnStep = (step: string) => void

/** From now on, in this process. Answers how to end it. */
export function interceptSteps(onStep: OnStep): () => void {
  const undo = [interceptDevice(onStep), interceptFolders(onStep), interceptDatabase(onStep)]
  return () => {
    for (const end of undo) end()
  }
}

function interceptDevice(onStep: OnStep): () => void {
  const { prototype } = WorkerLogDevice
  const { run } = prototype
  prototype.run = async function (operations): Promise<LogDeviceFailure | undefined> {
    for (const operation of operations) {
      for (const part of halvesOf(operation)) {
        onStep(part.op)
        const failure = await run.call(this, [part])
        if (failure !== undefined) return { ...failure, operation }
      }
    }
    return undefined
  }
  return () => {
    prototype.run = run
  }
}

/** Half of a write, then all of it. */
function halvesOf(operation: LogOperation): LogOperation[] {
  if (operation.op !== 'write') return [operation]
  const { bytes } = operation
  return [{ ...operation, bytes: bytes.slice(0, bytes.byteLength >>> 1) }, operation]
}

function interceptFolders(onStep: OnStep): () => void {
  const { mkdir, open, rename, rm, rmdir } = fs
  fs.mkdir = (async (path: string, options: object) => {
    if (!isLock(path)) onStep('mkdir')
    return mkdir(path, options)
  }) as typeof mkdir
  fs.open = async (path, ...options) => {
    if (basename(String(path)) === OWNER_FILE) onStep('take over')
    return open(path, ...options)
  }
  fs.rename = async (from, to) => {
    if (!isLock(String(to))) onStep('rename a folder')
    return rename(from, to)
  }
  fs.rm = (async (path: string, options: object) => {
    if (basename(path) === 'lock') onStep('remove the lock of what was set aside')
    return rm(path, options)
  }) as typeof rm
  fs.rmdir = (async (path: string) => {
    onStep('rmdir')
    return rmdir(path)
  }) as typeof rmdir
  syncBuiltinESMExports()
  return () => {
    Object.assign(fs, { mkdir, open, rename, rm, rmdir })
    syncBuiltinESMExports()
  }
}

/** A lock goes with its process, whatever its files say. */
function isLock(path: string): boolean {
  return basename(path) === 'lock' || basename(dirname(path)) === 'lock'
}

function interceptDatabase(onStep: OnStep): () => void {
  const { prototype } = PgliteClient
  const { query, exec, copy } = prototype
  prototype.query = async function (...args) {
    onStep('query')
    return query.apply(this, args)
  }
  prototype.exec = async function (...args) {
    onStep('exec')
    return exec.apply(this, args)
  }
  prototype.copy = async function (...args) {
    onStep('copy')
    return copy.apply(this, args)
  }
  return () => {
    Object.assign(prototype, { query, exec, copy })
  }
}
