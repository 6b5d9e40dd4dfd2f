/**
 * A server of a test's own: in a temporary folder of its own, and gone with the process that started it, however that
 * ends.
 */
import type { SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { forgetFolder, removeFolderWhenWeEnd, type SupervisedServer, startSupervised } from './supervisor.ts'

export class PrivateServer {
  readonly dir: string
  #server: SupervisedServer | undefined

  /** @param dir A folder that belongs to the server, and goes with it. */
  protected constructor(dir: string) {
    this.dir = dir
    removeFolderWhenWeEnd(dir)
  }

  /** Starts the program, and resolves once it has printed that it is `ready`. It must not run already. */
  protected async run(command: readonly string[], ready: string, as?: SpawnOptions): Promise<void> {
    this.#server = await startSupervised(command, ready, as)
  }

  /** Sends a signal, such as SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    this.#server?.kill(signal)
  }

  /** Ends it by a signal, and waits until it is gone. */
  protected async end(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server
    this.#server = undefined
    server?.kill(signal)
    await server?.gone()
  }

  /** A crash: what it has not written is lost. */
  protected crash(): Promise<void> {
    return this.end('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash()
    await rm(this.dir, { recursive: true, force: true })
    forgetFolder(this.dir)
  }
}

/** A new folder for a server of this name, which it may write to as whoever it runs as. */
export async function makeFolder(name: string, { uid, gid }: { uid?: number; gid?: number } = {}): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), `thermocline-${name}-`))
  if (uid !== undefined && gid !== undefined) await chown(dir, uid, gid)
  return dir
}

/** Postgres and pgbouncer refuse to run as root. */
export function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const users = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('the tests run as root, and there is no user `postgres` or `nobody` to run a server as')
}

export function asServer(dir: string): SpawnOptions {
  return { ...unprivileged(), cwd: dir, env: { PATH: process.env.PATH, LC_ALL: 'C' } }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
