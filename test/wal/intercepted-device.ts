/** The real log device with something in between: operations are seen, refused or failed one by one. */
import { type LogDevice, type LogDeviceFailure, type LogOperation, WorkerLogDevice } from '../../src/wal/log-device.ts'

/** What becomes of an operation: nothing special, or an error instead of it. A promise holds it back. */
export type Intercept = (operation: LogOperation) => Promise<Outcome> | Outcome
export type Outcome = undefined | { readonly code: string; readonly written?: number }

export function intercepted(intercept: Intercept): (folder: string) => Promise<LogDevice> {
  return async (folder) => new InterceptedDevice(await WorkerLogDevice.open(folder), intercept)
}

class InterceptedDevice implements LogDevice {
  readonly #device: LogDevice
  readonly #intercept: Intercept
  #last: Promise<unknown> = Promise.resolve()

  constructor(device: LogDevice, intercept: Intercept) {
    this.#device = device
    this.#intercept = intercept
  }

  run(operations: readonly LogOperation[]): Promise<LogDeviceFailure | undefined> {
    const answer = this.#last.then(() => this.#runAll(operations))
    this.#last = answer.catch(() => {})
    return answer
  }

  async #runAll(operations: readonly LogOperation[]): Promise<LogDeviceFailure | undefined> {
    for (const operation of operations) {
      const failure = await this.#runOne(operation)
      if (failure !== undefined) return failure
    }
    return undefined
  }

  async #runOne(operation: LogOperation): Promise<LogDeviceFailure | undefined> {
    const outcome = await this.#intercept(operation)
    if (outcome === undefined) return this.#device.run([operation])
    const { code, written = 0 } = outcome
    // A write that ran out of space half-way has left the first half.
    if (operation.op === 'write' && written > 0)
      await this.#device.run([{ ...operation, bytes: operation.bytes.slice(0, written) }])
    return { operation, code, written }
  }

  async close(): Promise<void> {
    await this.#last
    await this.#device.close()
  }
}

export const FULL: Outcome = { code: 'ENOSPC' }
export const BROKEN: Outcome = { code: 'EIO' }

/** Notes every operation, and does with it what the test says at the time. */
export class Device {
  readonly seen: LogOperation[] = []
  intercept: Intercept = () => undefined
  readonly open = intercepted((operation) => {
    this.seen.push(operation)
    return this.intercept(operation)
  })

  count(op: LogOperation['op']): number {
    return this.seen.filter((operation) => operation.op === op).length
  }
}

/** Fails the n-th operation of a kind, from 1, and lets all others through. */
export function failNth(op: LogOperation['op'], n: number, outcome: Outcome, handle?: string): Intercept {
  let count = 0
  return (operation) => {
    const isMeant =
      operation.op === op && (handle === undefined || ('handle' in operation && operation.handle === handle))
    return isMeant && ++count === n ? outcome : undefined
  }
}
