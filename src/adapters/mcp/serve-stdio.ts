/** Serves one client over stdin and stdout, and ends in order: what was asked is answered first. For the command. */
import type { Readable, Writable } from 'node:stream'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { type Lend, lentMemoryTools } from '../memory-tools/memory-tools.ts'
import type { MemoryToolOptions } from '../memory-tools/tool-options.ts'
import { serverOf } from './server-of-tools.ts'

/** Knows which requests still wait for an answer. */
class CountingTransport extends StdioServerTransport {
  readonly #waiting = new Set<unknown>()
  #tellIdle: (() => void) | undefined

  override async start(): Promise<void> {
    const receive = this.onmessage
    this.onmessage = (message) => {
      if ('method' in message && 'id' in message) this.#waiting.add(message.id)
      receive?.(message)
      // Nobody answers what was taken back.
      if ('method' in message && message.method === 'notifications/cancelled') this.#settle(message.params?.requestId)
    }
    await super.start()
  }

  override async send(message: JSONRPCMessage): Promise<void> {
    await super.send(message)
    if (!('method' in message)) this.#settle(message.id)
  }

  /** Resolves once nobody waits. To be called once. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#tellIdle = resolve
      this.#settle(undefined)
    })
  }

  #settle(id: unknown): void {
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#tellIdle?.()
  }
}

export interface StdioStreams {
  readonly input: Readable
  readonly output: Writable
}

/**
 * Serves the tools of a store that is lent for each call. Resolves once the client has closed our input, or reads no
 * more, or `signal` is aborted: then what was asked is answered, if there is somebody to hear it, and nothing more is
 * read. Rejects where a stream breaks in another way.
 */
export async function serveStdio(
  lend: Lend,
  options: MemoryToolOptions,
  { input, output }: StdioStreams,
  signal: AbortSignal,
): Promise<void> {
  const server = serverOf(lentMemoryTools(lend, options))
  const transport = new CountingTransport(input, output)
  const ended = new Promise<void>((resolve, reject) => {
    input.once('end', resolve).once('close', resolve).once('error', reject)
    signal.addEventListener('abort', () => resolve(), { once: true })
    if (signal.aborted) resolve()
  })
  const deaf = new Promise<void>((resolve, reject) => {
    output.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? resolve() : reject(error)))
  })
  await server.connect(transport)
  try {
    await Promise.race([ended, deaf])
    input.pause()
    await Promise.race([transport.whenIdle(), deaf])
  } finally {
    await server.close()
  }
}
