/** Reads what a log says about itself, before any of its records is read: the mark and the headers of its segments. */
import { type DurableMark, readMark } from './durable-mark.ts'
import type { LogFiles } from './log-files.ts'
import { readSegmentStarts, type SegmentStart } from './segment-start.ts'

export class LogOutline {
  /** How far the log is known to have been durable. */
  readonly mark: DurableMark | undefined
  /** Oldest first. */
  readonly segments: readonly SegmentStart[]

  private constructor(mark: DurableMark | undefined, segments: readonly SegmentStart[]) {
    this.mark = mark
    this.segments = segments
  }

  static async read(files: LogFiles, walId: string): Promise<LogOutline> {
    // The mark first: a living owner moves it on, and what it says now is durable now.
    // One that the disk cannot read is as good as none: it never knows more than the log.
    const mark = await readMark(files, walId).catch(() => undefined)
    return new LogOutline(mark, await readSegmentStarts(files, walId))
  }

  /**
   * Of the newest segment, by the headers alone; 0 where no header verifies: every epoch that was written is higher.
   */
  get lastEpoch(): number {
    return this.segments.reduce((highest, { header }) => Math.max(highest, header?.epoch ?? 0), 0)
  }

  /**
   * Sequence of the last record that cold may have from this folder, where it has some of the epoch. Nothing that a
   * newer epoch wrote; nothing of what there is, where it is an epoch of some copy of this folder, which gave the same
   * numbers to other records. Infinity where the epoch is the newest here.
   */
  lastSequenceOf(epoch: number): number {
    if (!this.hasTaken(epoch)) return (this.segments[0]?.firstSequence ?? 1) - 1
    const newer = this.segments.flatMap(({ header }) =>
      header !== undefined && header.epoch > epoch ? [header.firstSequence] : [],
    )
    return Math.min(...newer) - 1
  }

  /**
   * Whether an owner of this very folder had the epoch: it has a segment here, or it was noted by a recovery that ended
   * before it made one.
   */
  hasTaken(epoch: number): boolean {
    if (epoch > this.lastEpoch) return epoch <= (this.mark?.epoch ?? 0)
    return this.segments.some(({ header }) => header?.epoch === epoch)
  }
}
