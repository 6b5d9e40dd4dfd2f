/**
 * Stands between a client and a server that listens on TCP, and takes the server away for as long as one likes: in a
 * process of its own, or what it forwards would be counted as work of the client.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'

export class CuttableProxy {
  readonly #process: ChildProcess
  readonly port: number

  private constructor(process: ChildProcess, port: number) {
    this.#process = process
    this.port = port
  }

  static async start({ host, port }: { readonly host: string; readonly port: number }): Promise<CuttableProxy> {
    // Beside the process of the case, as build.ts puts it.
    const file = join(dirname(process.argv[1]!), 'cuttable-proxy-process.mjs')
    const child = fork(file, [host, String(port)], { execArgv: [] })
    return new CuttableProxy(child, (await answerOf(child)) as number)
  }

  /** Breaks every connection, and lets none in until {@link mend}. */
  cut(): Promise<void> {
    return this.#tell('cut')
  }

  mend(): Promise<void> {
    return this.#tell('mend')
  }

  async close(): Promise<void> {
    this.#process.kill()
  }

  async #tell(order: 'cut' | 'mend'): Promise<void> {
    this.#process.send(order)
    await answerOf(this.#process)
  }
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the proxy ended with ${code}`)
  })
  const [answer] = await Promise.race([once(child, 'message'), ended])
  return answer
}
