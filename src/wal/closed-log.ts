import { ThermoclineError } from '../errors.ts'
import { InProcessLog } from './in-process-log.ts'
import type { AppendOutcome, NewRecord } from './log-contract.ts'

/** The log of a store that is only read: it takes nothing, so nobody ever waits for what it holds. */
export class ClosedLog<T> extends InProcessLog<T> {
  constructor() {
    super(() => {})
  }

  override appendAll(records: readonly NewRecord<T>[]): Promise<readonly AppendOutcome<T>[]> {
    return Promise.resolve(records.map(() => new ThermoclineError('ERR_UNSUPPORTED', 'this store is only read', {})))
  }
}
