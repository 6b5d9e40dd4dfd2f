/**
 * Hands out a few connections, each for one statement at a time: postgres.js would send several down one connection,
 * and a killed or cancelled statement would take the others along. Where all are busy, a statement waits in line within
 * its deadline; one that never left the line has had no effect.
 */
import type { Row } from '../cold-driver.ts'
import { PostgresConnection } from './postgres-connection.ts'
import { DeadlinePassed } from './postgres-errors.ts'
import type { PostgresServer } from './postgres-server.ts'

type Waiter = (connection: PostgresConnection) => void

export class PostgresPool {
  readonly #connections: readonly PostgresConnection[]
  /** The one used last is used first: in a quiet hour the others are never opened. */
  readonly #idle: PostgresConnection[]
  readonly #waiting = new Set<Waiter>()

  constructor(server: PostgresServer, size: number) {
    this.#connections = Array.from({ length: size }, () => new PostgresConnection(server))
    this.#idle = [...this.#connections]
  }

  /** How many statements it runs at a time. */
  get size(): number {
    return this.#connections.length
  }

  async use<T>(work: (connection: PostgresConnection, timeLeft: number) => Promise<T>, timeout: number): Promise<T> {
    const deadline = performance.now() + timeout
    const connection = this.#idle.pop() ?? (await this.#wait(timeout))
    try {
      return await work(connection, Math.max(1, Math.ceil(deadline - performance.now())))
    } finally {
      this.#release(connection)
    }
  }

  query(text: string, parameters: readonly unknown[], timeout: number): Promise<Row[]> {
    return this.use((connection, timeLeft) => connection.query(text, parameters, timeLeft), timeout)
  }

  /** MUST NOT be called while a statement is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()))
  }

  /** Whatever is under way or waits is rejected. */
  cut(): void {
    for (const connection of this.#connections) connection.cut()
  }

  #wait(timeout: number): Promise<PostgresConnection> {
    return new Promise((resolve, reject) => {
      const take: Waiter = (connection) => {
        clearTimeout(timer)
        resolve(connection)
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(take)
        reject(new DeadlinePassed('had no connection free in time: raise `max`, or ask it less'))
      }, timeout)
      this.#waiting.add(take)
    })
  }

  #release(connection: PostgresConnection): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#idle.push(connection)
      return
    }
    this.#waiting.delete(next)
    next(connection)
  }
}
