/**
 * A durable, append-only log. When the promise of `append` resolves, the record survives a killed process and a power
 * cut.
 *
 * Group commit: what waits is gathered into one buffer, written at an explicit offset and synced with one fdatasync;
 * then the log must still be ours (see log-owner.ts), then the `durable` mark is written, then `onDurable` is called,
 * then the promises resolve. The next group gathers meanwhile.
 *
 * Rotation: a full segment is ended by a SEAL record and synced; the next one's header is written aside, synced and
 * linked to its name, which no other segment may have, and the folder is synced, before the first record goes into it.
 *
 * States: open → failed, for good, after an error that leaves the file in doubt (what a failed fdatasync left on the
 * disk nobody knows, so it is never repeated and nothing more is appended) · open → closed. A disk that is full before
 * a byte of a group was written fails that group only, and so does a process that is out of descriptors or memory;
 * whoever ships to the same disk keeps room there by `roomFor`.
 *
 * See format.ts for the bytes and log-scan.ts for how a log is read back.
 */
import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { type ErrorDetails, ThermoclineError } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { encodeMark, MARK_FILE, readMark } from './durable-mark.ts'
import { MAX_PAYLOAD_BYTES, RECORD_TYPES, recordBytes, segmentName } from './format.ts'
import { LockedLog } from './locked-log.ts'
import type { AppendedRecord, AppendLog } from './log-contract.ts'
import {
  CHANGED,
  type LogDevice,
  type LogDeviceFailure,
  type LogOperation,
  type OpenLogDevice,
  removal,
  WorkerLogDevice,
} from './log-device.ts'
import { filesIn } from './log-files.ts'
import type { LogEnd, SegmentExtent } from './log-scan.ts'
import { type PlannedRecord, SegmentCursor, sizeOf } from './segment-cursor.ts'

export interface WriteAheadLogOptions<T> {
  /** The folder that holds all logs. */
  readonly dir: string
  /** A segment is ended before a group would take it beyond this. */
  readonly segmentBytes: number
  /** Milliseconds to wait for the lock. */
  readonly lockTimeout: number
  readonly logger: Logger
  /** Highest version issued so far, for the segment header. */
  readonly highestVersion: () => { millis: number; counter: number }
  /** Called in log order, after the sync and before the promises of these records resolve. MUST NOT throw. */
  readonly onDurable: (records: readonly AppendedRecord<T>[]) => void
  /**
   * Bytes that must be free on the disk before a group of so many is written: with what shipping it needs there.
   *
   * @default as many as the group has
   */
  readonly roomFor?: (bytes: number) => number
  /** @default a worker thread that calls node:fs */
  readonly openDevice?: OpenLogDevice
}

/**
 * For seals and headers: a log that its records have filled the disk with can still be ended, taken over and shipped.
 */
const OWN_ROOM_BYTES = 256 * 1024
/** A group is cut off here, so that its first caller does not wait for megabytes of others. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024

/** Of the device, which names no operation where it is gone itself. */
type Failure = Omit<LogDeviceFailure, 'operation'> & { readonly operation: LogOperation | undefined }

interface Waiting<T> {
  readonly record: PlannedRecord
  readonly value: T
  readonly resolve: (record: AppendedRecord<T>) => void
  readonly reject: (error: ThermoclineError) => void
}

const SEGMENT = 'segment'
const MARK = 'mark'
const NEXT = 'next'
const PREVIOUS = 'previous'

export class WriteAheadLog<T> implements AppendLog<T> {
  readonly walId: string
  readonly epoch: number
  readonly #options: WriteAheadLogOptions<T>
  readonly #folder: LockedLog
  readonly #device: LogDevice
  /** Where a segment is made before it gets its name. Nobody else has this one: what we link is what we wrote. */
  readonly #aside = `${randomUUID()}${ASIDE}`
  /** Ended segments, oldest first. */
  #ended: SegmentExtent[]
  #cursor: SegmentCursor
  #markNumber: number
  #lastSequence: number
  #queue: Waiting<T>[] = []
  #running: Promise<void> | undefined
  /** The current segment was sealed, but the next one could not be made yet. */
  #isSealed = false
  #failure: ThermoclineError<'ERR_WAL_FAILED'> | undefined
  #isClosed = false
  #closing: Promise<void> | undefined

  /** Begins a new log in a folder of its own. */
  static async create<T>(options: WriteAheadLogOptions<T>): Promise<WriteAheadLog<T>> {
    // Let go of where the log does not come to be, as without a descriptor left.
    await using folder = await LockedLog.create(options.dir, options)
    return await WriteAheadLog.continue(folder, NO_SEGMENTS, options)
  }

  /**
   * Goes on with a log that was read to its end: in a new segment and a new epoch, the old files are left as they are.
   */
  static async continue<T>(
    folder: LockedLog,
    end: LogEnd,
    options: WriteAheadLogOptions<T>,
  ): Promise<WriteAheadLog<T>> {
    const device = await (options.openDevice ?? WorkerLogDevice.open)(folder.path)
    folder.handOn()
    try {
      const mark = await readMark(filesIn(folder.path), folder.walId)
      const log = new WriteAheadLog<T>(folder, device, end, (mark?.markNumber ?? 0) + 1, options)
      await log.#begin(end, (await readdir(folder.path)).filter(isAside))
      return log
    } catch (error) {
      await device.close()
      await folder.release()
      throw error
    }
  }

  private constructor(
    folder: LockedLog,
    device: LogDevice,
    end: LogEnd,
    markNumber: number,
    options: WriteAheadLogOptions<T>,
  ) {
    this.walId = folder.walId
    this.epoch = end.epoch + 1
    this.#options = options
    this.#folder = folder
    this.#device = device
    this.#ended = [...end.segments]
    this.#cursor = SegmentCursor.after(end, folder.walId, this.epoch, options.highestVersion())
    this.#markNumber = markNumber
    this.#lastSequence = end.lastSequence
  }

  get lastSequence(): number {
    return this.#lastSequence
  }

  get failure(): ThermoclineError<'ERR_WAL_FAILED'> | undefined {
    return this.#failure
  }

  append(type: 'put' | 'delete', payload: Uint8Array, keyHash: number, value: T): Promise<AppendedRecord<T>> {
    if (payload.byteLength > MAX_PAYLOAD_BYTES) return Promise.reject(tooLong())
    if (this.#isClosed) return Promise.reject(closed())
    if (this.#failure !== undefined) return Promise.reject(stopped(this.#failure, 'none'))
    return new Promise((resolve, reject) => {
      this.#queue.push({ record: { type: RECORD_TYPES[type], payload, keyHash }, value, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  async release(sequence: number): Promise<{ segments: number; bytes: number }> {
    const covered = this.#ended.findIndex((segment) => segment.lastSequence > sequence)
    const going = this.#ended.slice(0, covered === -1 ? undefined : covered)
    if (going.length === 0 || this.#failure !== undefined || this.#isClosed) return { segments: 0, bytes: 0 }
    const failure = await this.#do(going.flatMap(({ number }) => removal(segmentName(number))))
    if (failure !== undefined) {
      // Nothing is lost by keeping them: the next release tries again.
      this.#options.logger.error({ walId: this.walId, code: failure.code }, 'shipped segments could not be deleted')
      return { segments: 0, bytes: 0 }
    }
    // Another call may have let go of some of them meanwhile.
    const last = going.at(-1)!.number
    this.#ended = this.#ended.filter(({ number }) => number > last)
    return { segments: going.length, bytes: going.reduce((sum, { bytes }) => sum + bytes, 0) }
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    await this.#running
    try {
      if (this.#failure === undefined && !this.#isSealed) await this.#seal()
    } finally {
      await this.#device.close()
      await this.#folder.release()
    }
  }

  /**
   * Ends a log whose every record is in cold: a CLOSE record, then `forget`, then the folder goes. A crash in between
   * leaves a log that says it is closed, or an empty folder; opening removes either. Where it rejects, the log stays
   * for the next opener.
   */
  retire(forget: () => Promise<void>): Promise<void> {
    this.#closing ??= this.#retire(forget)
    return this.#closing
  }

  async #retire(forget: () => Promise<void>): Promise<void> {
    this.#isClosed = true
    await this.#running
    try {
      if (this.#failure !== undefined) throw this.#failure
      const failure = await this.#writeControl('close')
      if (failure !== undefined) throw this.#fail(failure.code)
      await forget()
      await this.#folder.remove(this.#device)
    } finally {
      await this.#device.close()
      await this.#folder.release()
    }
  }

  /**
   * Makes the first segment of this epoch and writes the mark there, so that it is never about a segment long gone.
   * What a killed owner wrote and never synced was read and counts from here on, so it has to be durable first.
   *
   * @param unfinished What earlier owners had begun to make.
   */
  async #begin({ segment, discarded }: LogEnd, unfinished: readonly string[]): Promise<void> {
    const gone = discarded === undefined ? unfinished : [...unfinished, segmentName(discarded)]
    const failure = await this.#do([
      this.#folder.stillOwned,
      ...(segment > 0 ? syncing(segmentName(segment)) : []),
      ...gone.map((name): LogOperation => ({ op: 'unlink', name })),
      ...this.#creation(this.#cursor),
      { op: 'open', name: segmentName(this.#cursor.number), handle: SEGMENT },
      { op: 'open', name: MARK_FILE, handle: MARK, orCreate: true },
      ...this.#mark(this.#cursor.offset, this.#lastSequence),
    ])
    if (failure !== undefined) throw this.#fail(failure.code)
  }

  /**
   * Header aside, synced, linked, folder synced: a segment is there whole or not at all, and never in another's place.
   */
  #creation(cursor: SegmentCursor): LogOperation[] {
    const name = segmentName(cursor.number)
    return [
      { op: 'create', name: this.#aside, handle: NEXT },
      { op: 'write', handle: NEXT, bytes: cursor.header, position: 0 },
      { op: 'fsync', handle: NEXT },
      { op: 'close', handle: NEXT },
      this.#folder.stillOwned,
      { op: 'link', from: this.#aside, to: name },
      { op: 'unlink', name: this.#aside },
      { op: 'fsync-folder' },
    ]
  }

  /** What was synced up to here is ours, so it counts. */
  #mark(offset: number, sequence: number): LogOperation[] {
    const { walId, epoch } = this
    const markNumber = this.#markNumber++
    const mark = { markNumber, walId, epoch, segment: this.#cursor.number, offset, sequence }
    return [this.#folder.stillOwned, { op: 'write', handle: MARK, ...encodeMark(mark) }]
  }

  async #run(): Promise<void> {
    // One turn of the microtask queue: callers of the same tick share the first group.
    await undefined
    while (this.#queue.length > 0 && this.#failure === undefined) {
      const group = this.#takeGroup()
      try {
        await this.#commit(group)
      } catch {
        for (const { reject } of group) reject(stopped(this.#fail('UNKNOWN'), 'unknown'))
      }
    }
    if (this.#failure !== undefined)
      for (const { reject } of this.#queue.splice(0)) reject(stopped(this.#failure, 'none'))
    this.#running = undefined
  }

  #takeGroup(): Waiting<T>[] {
    let bytes = 0
    let count = 0
    for (const { record } of this.#queue) {
      bytes += recordBytes(record.payload.byteLength)
      if (count > 0 && bytes > MAX_GROUP_BYTES) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  async #commit(group: readonly Waiting<T>[]): Promise<void> {
    const records = group.map(({ record }) => record)
    const bytes = sizeOf(records)
    const room = (this.#options.roomFor?.(bytes) ?? bytes) + OWN_ROOM_BYTES
    if (!this.#cursor.hasRoom(records, this.#options.segmentBytes) || this.#isSealed) {
      const shortage = await this.#rotate()
      if (shortage !== undefined) return rejectAll(group, notWritten(shortage, room))
    }
    const plan = this.#cursor.plan(records, this.#lastSequence)
    const failure = await this.#do([
      { op: 'expect-room', bytes: room },
      { op: 'write', handle: SEGMENT, bytes: plan.bytes, position: this.#cursor.offset },
      { op: 'fdatasync', handle: SEGMENT },
      ...this.#mark(plan.next.offset, plan.lastSequence),
    ])
    if (failure !== undefined) {
      if (!isCleanShortage(failure)) throw this.#fail(failure.code)
      return rejectAll(group, notWritten(failure.code, room))
    }
    const first = this.#lastSequence + 1
    this.#cursor = plan.next
    this.#lastSequence = plan.lastSequence
    const durable = group.map(({ record, value }, i) => ({
      sequence: first + i,
      bytes: record.payload.byteLength,
      value,
    }))
    this.#options.onDurable(durable)
    for (const [i, { resolve }] of group.entries()) resolve(durable[i]!)
  }

  /** Answers the code of a shortage that came before anything was in doubt; another rotation may succeed later. */
  async #rotate(): Promise<string | undefined> {
    if (!this.#isSealed) {
      const failure = await this.#writeControl('seal')
      if (failure !== undefined) {
        if (!isCleanShortage(failure)) throw this.#fail(failure.code)
        return failure.code
      }
      this.#isSealed = true
    }
    const next = this.#cursor.successor(this.#lastSequence, this.#options.highestVersion())
    const failure = await this.#do([
      ...this.#creation(next),
      { op: 'close', handle: SEGMENT },
      { op: 'open', name: segmentName(next.number), handle: SEGMENT },
    ])
    if (failure !== undefined) {
      if (isShortage(failure) && comesBeforeLink(failure)) return failure.code
      throw this.#fail(failure.code)
    }
    const { number, offset } = this.#cursor
    this.#ended.push({ number, bytes: offset, lastSequence: this.#lastSequence })
    this.#cursor = next
    this.#isSealed = false
    return undefined
  }

  /** Without a seal the log ends as after a crash, so a full disk does not keep it from closing. */
  async #seal(): Promise<void> {
    const failure = await this.#writeControl('seal')
    if (failure !== undefined && !isCleanShortage(failure)) throw this.#fail(failure.code)
  }

  async #writeControl(type: 'seal' | 'close'): Promise<Failure | undefined> {
    const control = { type: RECORD_TYPES[type], payload: new Uint8Array(), keyHash: 0 }
    const plan = this.#cursor.plan([control], this.#lastSequence)
    const failure = await this.#do([
      { op: 'write', handle: SEGMENT, bytes: plan.bytes, position: this.#cursor.offset },
      { op: 'fdatasync', handle: SEGMENT },
      ...this.#mark(plan.next.offset, plan.lastSequence),
    ])
    if (failure === undefined) this.#cursor = plan.next
    return failure
  }

  /** A device that is gone leaves everything in doubt, from the first operation on. */
  async #do(operations: readonly LogOperation[]): Promise<Failure | undefined> {
    try {
      return await this.#device.run(operations)
    } catch {
      return { operation: undefined, code: 'EDEVICE', written: 0 }
    }
  }

  #fail(code: string): ThermoclineError<'ERR_WAL_FAILED'> {
    this.#failure ??= new ThermoclineError('ERR_WAL_FAILED', reasonOf(code), { outcome: 'unknown' })
    this.#options.logger.error({ walId: this.walId, code }, 'the log has stopped')
    return this.#failure
  }
}

const ASIDE = '.new'

function isAside(name: string): boolean {
  return name.endsWith(ASIDE)
}

function reasonOf(code: string): string {
  // What we hold is there as long as it is ours.
  if (code === CHANGED || code === 'ENOENT')
    return 'another process took the log over, or its folder is gone: open the store again'
  if (code in SHORTAGES && !isFull(code)) return `${SHORTAGES[code]}; then open the store again`
  return `the log could not be written (${code}): look at the disk, then open the store again, which recovers what was acknowledged`
}

function syncing(name: string): LogOperation[] {
  return [
    { op: 'open', name, handle: PREVIOUS },
    { op: 'fdatasync', handle: PREVIOUS },
    { op: 'close', handle: PREVIOUS },
    // Its name as well: were only the successor's name to survive a power cut, a segment would seem to be missing.
    { op: 'fsync-folder' },
  ]
}

const NO_SEGMENTS: LogEnd = { segment: 0, validLength: 0, chain: 0, lastSequence: 0, epoch: 0, segments: [] }

/**
 * Whether nothing of a group reached the segment, so that the same place can be written again once the shortage has
 * passed.
 */
function isCleanShortage(failure: Failure): boolean {
  const { operation, written } = failure
  const isBeforeWrite = operation?.op === 'expect-room'
  const isUnwritten = operation?.op === 'write' && operation.handle === SEGMENT && written === 0
  return isShortage(failure) && (isBeforeWrite || isUnwritten)
}

/** Whether the making of a segment failed where only the file aside had been touched: the next try writes that anew. */
function comesBeforeLink({ operation }: Failure): boolean {
  if (operation === undefined) return false
  return operation.op === 'expect' || ('handle' in operation && operation.handle === NEXT)
}

/** What there is not enough of now, and may be again. */
const SHORTAGES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk under the log is full',
  EDQUOT: 'the disk under the log is full',
  EMFILE: 'this process has no file descriptor left: close some, or raise the limit (ulimit -n)',
  ENFILE: 'this machine has no file descriptor left: close some, or raise its limit',
  ENOMEM: 'this machine has no memory left for the log',
  EAGAIN: 'the system would not take a write to the log now',
}

function isShortage({ code }: Failure): boolean {
  return code in SHORTAGES
}

/** The disk, or what this user may take of it. */
function isFull(code: string): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT'
}

function rejectAll<T>(group: readonly Waiting<T>[], error: ThermoclineError): void {
  for (const { reject } of group) reject(error)
}

function stopped(failure: ThermoclineError<'ERR_WAL_FAILED'>, outcome: 'none' | 'unknown'): ThermoclineError {
  const details: ErrorDetails['ERR_WAL_FAILED'] = { outcome }
  return new ThermoclineError('ERR_WAL_FAILED', failure.message, details)
}

/** @param room Bytes that had to be free on the disk. */
function notWritten(code: string, room: number): ThermoclineError {
  const remedy = isFull(code) ? `: have at least ${Math.ceil(room / 1024 / 1024)} MiB free on it` : ''
  const message = `${SHORTAGES[code]}${remedy}`
  return new ThermoclineError('ERR_BACKPRESSURE', message, { outcome: 'none' })
}

function closed(): ThermoclineError {
  return new ThermoclineError('ERR_CLOSED', 'the log is closed: open the store again', { outcome: 'none' })
}

function tooLong(): ThermoclineError {
  const message = `the encoded entry is longer than ${MAX_PAYLOAD_BYTES} bytes: split it`
  return new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'input' })
}
