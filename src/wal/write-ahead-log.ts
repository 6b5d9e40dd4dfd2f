/**
 * A durable, append-only log. When the promise of `append` resolves, the record survives a killed process and a power
 * cut.
 *
 * What waits is gathered into a group (group-commit.ts), written at an explicit offset as one buffer and synced with
 * one fdatasync; then the log must still be ours (log-owner.ts), then the `durable` mark is written, then `onDurable`
 * is called, then the promises resolve. The next group gathers meanwhile.
 *
 * Rotation: a full segment is ended by a SEAL record and synced; the next one's header is written aside, synced and
 * linked to its name, which no other segment may have, and the folder is synced, before the first record goes into it.
 *
 * States: open → failed, for good, after an error that leaves the file in doubt (what a failed fdatasync left on the
 * disk nobody knows, so it is never repeated and nothing more is appended) · open → closed. A disk that is full before
 * a byte of a group was written fails that group only, and so does a process that is out of descriptors or memory
 * (log-errors.ts); whoever ships to the same disk keeps room there by `roomFor`.
 *
 * See format.ts for the bytes and log-scan.ts for how a log is read back.
 */
import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import type { ThermoclineError } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { letGo } from '../kernel/release-stack.ts'
import { TRACES, traced } from '../kernel/tracing.ts'
import { encodeMark, MARK_FILE, readMark } from './durable-mark.ts'
import { MAX_PAYLOAD_BYTES, RECORD_TYPES, segmentName } from './format.ts'
import { FullDisk } from './full-disk.ts'
import { Appending, type Group, GroupCommit, rejectAll } from './group-commit.ts'
import { LockedLog } from './locked-log.ts'
import {
  type AppendedRecord,
  type AppendLog,
  type AppendOutcome,
  appendOne,
  type LogExtent,
  type NewRecord,
} from './log-contract.ts'
import { type LogDevice, type LogOperation, type OpenLogDevice, removal, WorkerLogDevice } from './log-device.ts'
import { closed, isFull, isShortage, type LogFailure, logFailed, notWritten, stopped, tooLong } from './log-errors.ts'
import { filesIn } from './log-files.ts'
import { type LogEnd, NO_SEGMENTS, type SegmentExtent } from './scan-report.ts'
import { SegmentCursor, sizeOf } from './segment-cursor.ts'

export interface WrittenGroup {
  readonly milliseconds: number
  readonly isFailed: boolean
}

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
  /** Told of each group of records that was written and synced, or refused. MUST NOT throw. */
  readonly onGroup?: (group: WrittenGroup) => void
  /**
   * Bytes that must be free on the disk before a group of so many is written: with what shipping it needs there.
   *
   * @default as many as the group has
   */
  readonly roomFor?: (bytes: number) => number
  /** @default a worker thread that calls node:fs */
  readonly openDevice?: OpenLogDevice | undefined
}

/**
 * For seals and headers: a log that its records have filled the disk with can still be ended, taken over and shipped.
 */
const OWN_ROOM_BYTES = 256 * 1024
/**
 * Groups up to this size are put together in memory that the thread of the log shares: the system would have to give
 * the pages of a new buffer for each group, and each would have to be handed over.
 */
const KEPT_BYTES = 2 * 1024 * 1024
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
  readonly #groups = new GroupCommit<T>((group) => this.#settleAndTell(group))
  readonly #fullDisk = new FullDisk((bytes) => this.#seesRoomFor(bytes))
  /** Where groups are put together. */
  #kept: Buffer | undefined
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
      await letGoOf(folder, device, options.logger)
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

  get extent(): LogExtent {
    const ended = this.#ended.reduce((sum, { bytes }) => sum + bytes, 0)
    return { segments: this.#ended.length + 1, bytes: ended + this.#cursor.offset }
  }

  get failure(): ThermoclineError<'ERR_WAL_FAILED'> | undefined {
    return this.#failure
  }

  get fullDisk(): string | undefined {
    return this.#fullDisk.message
  }

  /** As {@link appendAll}, of one record; rejects with why it failed. */
  append(type: NewRecord<T>['type'], payload: Uint8Array, keyHash: number, value: T): Promise<AppendedRecord<T>> {
    return appendOne(this, { type, payload, keyHash, value })
  }

  appendAll(records: readonly NewRecord<T>[]): Promise<readonly AppendOutcome<T>[]> {
    const appending = new Appending<T>(records.length)
    for (const [index, { type, payload, keyHash, value }] of records.entries()) {
      const refusal = this.#refusalOf(payload)
      if (refusal !== undefined) appending.settle(index, refusal)
      else this.#groups.add({ record: { type: RECORD_TYPES[type], payload, keyHash }, value, appending, index })
    }
    return appending.outcomes
  }

  #refusalOf(payload: Uint8Array): ThermoclineError | undefined {
    if (payload.byteLength > MAX_PAYLOAD_BYTES) return tooLong()
    if (this.#isClosed) return closed()
    return this.#failure && stopped(this.#failure, 'none')
  }

  /** Between two groups. The mark goes along: it MUST NOT be about a segment that is let go of. */
  async endSegment(): Promise<number> {
    if (this.#isClosed) throw closed()
    return this.#groups.between(async () => {
      if (this.#failure !== undefined) throw stopped(this.#failure, 'none')
      if (this.#cursor.isEmpty && !this.#isSealed) return this.#lastSequence
      const shortage = await this.#rotate()
      if (shortage !== undefined) throw notWritten(shortage, OWN_ROOM_BYTES)
      const failure = await this.#do(this.#mark(this.#cursor.offset, this.#lastSequence))
      if (failure !== undefined) throw this.#fail(failure.code)
      return this.#lastSequence
    })
  }

  /** None spans the place where one was ended. */
  holdsUpTo(sequence: number): boolean {
    return this.#ended.some(({ lastSequence }) => lastSequence <= sequence)
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
    await this.#groups.idle()
    this.#fullDisk.noteOver()
    try {
      if (this.#failure === undefined && !this.#isSealed) await this.#seal()
    } finally {
      await letGoOf(this.#folder, this.#device, this.#options.logger)
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
    await this.#groups.idle()
    this.#fullDisk.noteOver()
    try {
      if (this.#failure !== undefined) throw this.#failure
      const failure = await this.#writeControl('close')
      if (failure !== undefined) throw this.#fail(failure.code)
      await forget()
      await this.#folder.remove(this.#device)
    } finally {
      await letGoOf(this.#folder, this.#device, this.#options.logger)
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
      ...(segment !== undefined ? syncing(segmentName(segment)) : []),
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

  async #settleAndTell(group: Group<T>): Promise<void> {
    const began = performance.now()
    const before = this.#lastSequence
    if (TRACES.wal.hasSubscribers) await this.#trace(group)
    else await this.#settle(group)
    this.#options.onGroup?.({ milliseconds: performance.now() - began, isFailed: this.#lastSequence === before })
  }

  #trace(group: Group<T>): Promise<void> {
    const before = this.#lastSequence
    const bytes = sizeOf(group.map(({ record }) => record))
    return traced(
      TRACES.wal,
      { operation: 'append', tier: 'log', count: group.length, bytes },
      () => this.#settle(group),
      () => ({ outcome: this.#lastSequence === before ? 'failed' : 'ok' }),
    )
  }

  async #settle(group: Group<T>): Promise<void> {
    if (this.#failure !== undefined) return rejectAll(group, stopped(this.#failure, 'none'))
    try {
      await this.#commit(group)
    } catch {
      rejectAll(group, stopped(this.#fail('UNKNOWN'), 'unknown'))
    }
  }

  async #commit(group: Group<T>): Promise<void> {
    const records = group.map(({ record }) => record)
    const bytes = sizeOf(records)
    if (!this.#cursor.hasRoom(records, this.#options.segmentBytes) || this.#isSealed) {
      const shortage = await this.#rotate()
      if (shortage !== undefined) return this.#refuse(group, shortage, bytes)
    }
    const plan = this.#cursor.plan(records, this.#lastSequence, this.#placeFor(bytes))
    const failure = await this.#do([
      { op: 'expect-room', bytes: this.#roomFor(bytes) },
      { op: 'write', handle: SEGMENT, bytes: plan.bytes, position: this.#cursor.offset },
      { op: 'fdatasync', handle: SEGMENT },
      ...this.#mark(plan.next.offset, plan.lastSequence),
    ])
    if (failure !== undefined) {
      if (!isCleanShortage(failure)) throw this.#fail(failure.code)
      return this.#refuse(group, failure.code, bytes)
    }
    this.#fullDisk.noteOver()
    const first = this.#lastSequence + 1
    this.#cursor = plan.next
    this.#lastSequence = plan.lastSequence
    const durable = group.map(({ record, value }, i) => ({
      sequence: first + i,
      bytes: record.payload.byteLength,
      value,
    }))
    this.#options.onDurable(durable)
    for (const [i, { appending, index }] of group.entries()) appending.settle(index, durable[i]!)
  }

  /** Bytes that must be free for a group of so many. */
  #roomFor(bytes: number): number {
    return (this.#options.roomFor?.(bytes) ?? bytes) + OWN_ROOM_BYTES
  }

  /** Nothing of it was written. */
  #refuse(group: Group<T>, code: string, bytes: number): void {
    const error = notWritten(code, this.#roomFor(bytes))
    if (isFull(code)) this.#fullDisk.noteRefused(bytes, error.message)
    rejectAll(group, error)
  }

  /** By a file that goes again at once: of a quota only who writes is told. */
  #seesRoomFor(bytes: number): Promise<boolean> {
    return this.#groups.between(async () => {
      if (this.#failure !== undefined) return false
      const failure = await this.#do([
        { op: 'expect-room', bytes: this.#roomFor(bytes) },
        { op: 'create', name: this.#aside, handle: NEXT },
        { op: 'write', handle: NEXT, bytes: new Uint8Array(OWN_ROOM_BYTES), position: 0 },
      ])
      await this.#do([
        { op: 'close', handle: NEXT },
        { op: 'unlink', name: this.#aside },
      ])
      return failure === undefined
    })
  }

  /** Nothing else is under way while a group is, so each may stand where the one before it stood. */
  #placeFor(bytes: number): Buffer {
    if (bytes > KEPT_BYTES) return Buffer.from(new SharedArrayBuffer(bytes))
    this.#kept ??= Buffer.from(new SharedArrayBuffer(KEPT_BYTES))
    return this.#kept.subarray(0, bytes)
  }

  /** Returns the code of a shortage that came before anything was in doubt; another rotation may succeed later. */
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

  async #writeControl(type: 'seal' | 'close'): Promise<LogFailure | undefined> {
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
  async #do(operations: readonly LogOperation[]): Promise<LogFailure | undefined> {
    try {
      return await this.#device.run(operations)
    } catch {
      return { operation: undefined, code: 'EDEVICE', written: 0 }
    }
  }

  #fail(code: string): ThermoclineError<'ERR_WAL_FAILED'> {
    if (this.#failure === undefined) {
      this.#failure = logFailed(code)
      this.#fullDisk.noteOver()
      this.#options.logger.error({ walId: this.walId, code }, 'the log has stopped')
    }
    return this.#failure
  }
}

async function letGoOf(folder: LockedLog, device: LogDevice, logger: Logger): Promise<void> {
  await letGo('the thread of a log', () => device.close(), logger)
  await folder.letGo()
}

const ASIDE = '.new'

function isAside(name: string): boolean {
  return name.endsWith(ASIDE)
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

/**
 * Whether nothing of a group reached the segment, so that the same place can be written again once the shortage has
 * passed.
 */
function isCleanShortage(failure: LogFailure): boolean {
  const { operation, written } = failure
  const isBeforeWrite = operation?.op === 'expect-room'
  const isUnwritten = operation?.op === 'write' && operation.handle === SEGMENT && written === 0
  return isShortage(failure) && (isBeforeWrite || isUnwritten)
}

/** Whether the making of a segment failed where only the file aside had been touched: the next try writes that anew. */
function comesBeforeLink({ operation }: LogFailure): boolean {
  if (operation === undefined) return false
  return operation.op === 'expect' || ('handle' in operation && operation.handle === NEXT)
}
