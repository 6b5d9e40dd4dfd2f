/**
 * Runs statements on one connection, one at a time. The connection is thrown away when anything but a refused statement
 * happened on it: postgres.js keeps the state of a broken connection, and would answer the next statement with the
 * error of the last, or never. The next statement opens a new connection.
 *
 *   idle ── statement ──▶ busy ── answer or refusal ──▶ idle
 *                          └───── deadline, lost connection, any error of COPY ──▶ thrown away, idle without a client
 */
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Row } from '../cold-driver.ts'
import { ConnectionLost, DeadlinePassed, HungUp, isRefusal, LATE, NO_ANSWER } from './postgres-errors.ts'
import type { PostgresServer, Sql } from './postgres-server.ts'

/** What postgres.js writes on a query once it was sent: what a request to cancel it must name. */
interface SentQuery {
  readonly state?: { readonly pid: number | null; readonly secret: number | null } | null
}

interface Statement {
  readonly sql: string
  readonly params: readonly unknown[]
}

export class PostgresConnection {
  readonly #server: PostgresServer
  #link: Link | undefined
  #isCut = false

  constructor(server: PostgresServer) {
    this.#server = server
  }

  /**
   * Past the deadline the statement is cancelled, and may have taken effect all the same. Without parameters it may be
   * several statements, which are one transaction.
   */
  async query(text: string, parameters: readonly unknown[], timeout = Number.POSITIVE_INFINITY): Promise<Row[]> {
    const [rows] = await this.queryAll([{ sql: text, params: parameters }], timeout)
    return rows!
  }

  /** As {@link query}, of several that are sent at once, each a transaction of its own. They are done in order. */
  async queryAll(statements: readonly Statement[], timeout: number): Promise<Row[][]> {
    const deadline = performance.now() + timeout
    const link = await this.#connect(timeout)
    const sent = statements.map(({ sql, params }) => {
      const rows: Row[] = []
      const query = inOneRoundTrip(link.client.unsafe(sql, params.map(encodeParameter)))
      // Where postgres.js collects them itself, those of a statement that failed leave as many holes in the next
      // answer.
      const answered = query.forEach((row) => {
        rows.push(row)
      })
      return { query: query as SentQuery, answered, rows }
    })
    try {
      const outcomes = await link.settle(
        Promise.allSettled(sent.map(({ answered }) => answered)),
        deadline - performance.now(),
      )
      const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
      if (reasons.length > 0) throw reasons.find((reason) => !isRefusal(reason)) ?? reasons[0]
      return sent.map(({ rows }) => rows)
    } catch (error) {
      if (error instanceof DeadlinePassed) this.#cancel(link, sent.at(-1)!.query)
      else if (!isRefusal(error)) this.#discard(link)
      throw error
    }
  }

  /**
   * Runs messages one after the other, sent at once: a pooler has no occasion to give the session away in between.
   * Throws the first error when all are answered.
   */
  async queryTogether(texts: readonly string[]): Promise<void> {
    const link = await this.#connect(Number.POSITIVE_INFINITY)
    try {
      // Logs in: what is asked for before, postgres.js sends one by one.
      await link.settle(link.client.unsafe('SELECT 1'), Number.POSITIVE_INFINITY)
      const answers = texts.map((text) => link.client.unsafe(text).execute())
      const outcomes = await link.settle(Promise.allSettled(answers), Number.POSITIVE_INFINITY)
      const failed = outcomes.find((outcome) => outcome.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    } catch (error) {
      this.#discard(link)
      throw error
    }
  }

  /**
   * Sends bytes as `text` says, a `COPY … FROM STDIN`. A resolved promise means that the server has taken all of them.
   */
  async copy(text: string, pieces: Iterable<Uint8Array>, timeout: number): Promise<void> {
    const deadline = performance.now() + timeout
    const link = await this.#connect(timeout)
    try {
      await link.settle(copyIn(link.client, text, pieces), deadline - performance.now())
    } catch (error) {
      this.#discard(link)
      throw error
    }
  }

  /** MUST NOT be called while a statement is under way. */
  async close(): Promise<void> {
    await this.#link?.end()
    this.#link = undefined
  }

  /** Closes it for good. A statement under way is rejected, and the server may do it all the same. */
  cut(): void {
    this.#isCut = true
    if (this.#link !== undefined) this.#discard(this.#link)
  }

  async #connect(timeout: number): Promise<Link> {
    if (this.#link?.isBroken) this.#discard(this.#link)
    if (!this.#isCut) this.#link ??= await Link.open(this.#server, timeout)
    if (!this.#isCut) return this.#link!
    this.cut()
    throw new ConnectionLost('was cut')
  }

  #discard(link: Link): void {
    this.#link = undefined
    link.discard()
  }

  /** The connection stays until the request is through: pgbouncer forgets the statements of a client that has gone. */
  #cancel(link: Link, { state }: SentQuery): void {
    this.#link = undefined
    if (state?.pid == null || state.secret == null) link.discard()
    else void requestCancel(this.#server, state.pid, state.secret, () => link.discard())
  }
}

/** A socket, and the client of postgres.js that talks over it, for as long as it lives. */
class Link {
  readonly client: Sql
  readonly #socket: Socket
  #isDiscarded = false
  #hasAnswered = false
  #error: Error | undefined
  /** Rejects the statement under way. */
  #fail: ((error: Error) => void) | undefined

  private constructor(socket: Socket, client: Sql) {
    this.client = client
    this.#socket = socket
    // Before postgres.js listens, so that its own listeners find the statement still waiting.
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.once('close', () => this.#break())
  }

  static async open(server: PostgresServer, timeout: number): Promise<Link> {
    const deadline = performance.now() + timeout
    const password = await server.askPassword(timeout)
    const socket = await server.openSocket(deadline - performance.now())
    return new Link(socket, server.createClient(socket, password))
  }

  get isBroken(): boolean {
    return this.#isDiscarded || this.#socket.destroyed
  }

  /**
   * Rejects at the deadline, and when the socket is gone: between an error of its socket and the end of it, postgres.js
   * takes statements and forgets them.
   */
  async settle<T>(work: Promise<T>, timeout: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    try {
      const result = await new Promise<T>((resolve, reject) => {
        this.#fail = reject
        if (Number.isFinite(timeout))
          timer = setTimeout(() => reject(new DeadlinePassed(this.#hasAnswered ? LATE : NO_ANSWER)), timeout)
        work.then(resolve, reject)
        if (this.#socket.destroyed) this.#break()
      })
      this.#hasAnswered = true
      return result
    } finally {
      clearTimeout(timer)
      this.#fail = undefined
    }
  }

  /** What is under way is rejected, if anybody still waits for it. */
  discard(): void {
    this.#isDiscarded = true
    void this.client.end({ timeout: 0 })
    this.#socket.destroy()
  }

  async end(): Promise<void> {
    await this.client.end({ timeout: 1 })
    this.discard()
  }

  #break(): void {
    const reason = this.#error ?? (this.#hasAnswered ? new ConnectionLost('lost') : new HungUp('hung up'))
    // postgres.js may have a better reason, such as a refused login, and tells it first.
    setImmediate(() => this.#fail?.(reason))
  }
}

/**
 * Before a statement without a name, postgres.js asks the server for the types of its parameters, and waits for them.
 * They are text here, whatever their types, and each statement says what it makes of them: all of it is sent at once.
 */
function inOneRoundTrip<T extends object>(query: T): T {
  return Object.defineProperty(query, 'describeFirst', { get: () => false, set: () => {} })
}

function copyIn(client: Sql, text: string, pieces: Iterable<Uint8Array>): Promise<void> {
  return new Promise((resolve, reject) => {
    const query = client.unsafe(text)
    // postgres.js resolves the query with its stream, and keeps for itself why rows were refused later.
    Object.assign(query, { reject })
    const send = async (stream: Writable): Promise<void> => {
      // It would send, after the end of the rows, that they failed; pgbouncer then keeps the server's connection for
      // us.
      stream._destroy = (error, callback) => callback(error)
      stream.on('error', reject)
      stream.on('finish', resolve)
      for (const piece of pieces) {
        await written(stream, piece)
        // A socket that has room says so within the same turn of the event loop, and callers would wait for all of it.
        await nextTurn()
      }
      stream.end()
    }
    query.writable().then(send).catch(reject)
  })
}

/** Resolves once the system has it. */
function written(stream: Writable, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(piece, (error) => (error ? reject(error) : resolve()))
  })
}

const CANCEL_REQUEST_CODE = 80_877_102
/** Milliseconds. */
const CANCEL_TIMEOUT = 1_000

/**
 * Asks the server to cancel what that backend is doing. Nobody can tell whether it does, so nobody is told of a
 * failure.
 */
async function requestCancel(server: PostgresServer, pid: number, secret: number, done: () => void): Promise<void> {
  const request = Buffer.alloc(16)
  for (const [nth, value] of [16, CANCEL_REQUEST_CODE, pid, secret].entries()) request.writeUInt32BE(value, nth * 4)
  try {
    const socket = await server.openSocket(CANCEL_TIMEOUT)
    socket.setTimeout(CANCEL_TIMEOUT, () => socket.destroy())
    socket.on('error', () => {})
    // The server closes it when it has done what it could.
    socket.once('close', done)
    socket.resume()
    socket.write(request)
  } catch {
    done()
  }
}

/** Arrays as literals: postgres.js would have to ask the server for the types of their elements. */
function encodeParameter(value: unknown): string | number | boolean | null {
  if (Array.isArray(value)) return `{${value.map(encodeElement).join(',')}}`
  return value as string | number | boolean | null
}

function encodeElement(value: unknown): string {
  return typeof value === 'string' ? `"${value.replace(/["\\]/g, '\\$&')}"` : String(value)
}
