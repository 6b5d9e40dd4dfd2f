import type { EntryRecord } from '../../src/entry/record.ts'
import { ThermoclineError } from '../../src/errors.ts'
import { InProcessLog } from '../../src/wal/in-process-log.ts'
import type { AppendOutcome, NewRecord } from '../../src/wal/log-contract.ts'

/** Takes so many records, then finds the disk full. */
export class SmallLog extends InProcessLog<EntryRecord> {
  room = Number.POSITIVE_INFINITY

  override async appendAll(records: readonly NewRecord<EntryRecord>[]) {
    const outcomes: AppendOutcome<EntryRecord>[] = [...(await super.appendAll(records.slice(0, this.room)))]
    this.room = Math.max(0, this.room - records.length)
    while (outcomes.length < records.length)
      outcomes.push(new ThermoclineError('ERR_WAL_FAILED', 'the disk is full', { outcome: 'none' }))
    return outcomes
  }
}
