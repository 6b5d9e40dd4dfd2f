/**
 * A server of a test's own: in a temporary folder of its own, and gone with the process that started it, however that
 * ends.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class PrivateServer {
  readonly dir: string
  readonly #folderWatcher: ChildProcess
  #server: ChildProcess | undefined
  #serverWatcher: ChildProcess | undefined

  /** @param dir A folder that belongs to the server, and goes with it. */
  protected constructor(dir: string) {
    this.dir = dir
    this.#folderWatcher = whenWeEnd('rm -rf "$1"', dir)
  }

  /** Starts the program, and resolves once it has printed that it is `ready`. It must not run already. */
  protected async run(program: string, args: readonly string[], ready: RegExp, as: SpawnOptions = {}): Promise<void> {
    const server = spawn(program, args, { ...as, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#server = server
    this.#serverWatcher = whenWeEnd('kill -QUIT "$1"; sleep 1; kill -9 "$1"', `${server.pid}`)
    await sees(server, ready)
    // Tests wait for what they use; the server alone keeps nobody from ending.
    for (const stream of [server, server.stdout, server.stderr]) (stream as unknown as { unref(): void }).unref()
  }

  /** Sends a signal, such as SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    this.#server?.kill(signal)
  }

  /** Ends it by a signal, and waits until it is gone. */
  protected async end(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    server.ref()
    const gone = server.exitCode === null && server.signalCode === null ? once(server, 'exit') : undefined
    server.kill(signal)
    await gone
    this.#serverWatcher?.kill('SIGKILL')
  }

  /** A crash: what it has not written is lost. */
  protected crash(): Promise<void> {
    return this.end('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash()
    await rm(this.dir, { recursive: true, force: true })
    this.#folderWatcher.kill('SIGKILL')
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

/**
 * A process that outlives us by a moment: its input ends when we do, however that comes, and then it runs the command.
 */
export function whenWeEnd(command: string, ...args: string[]): ChildProcess {
  const watcher = spawn('/bin/sh', ['-c', `cat >/dev/null; ${command}`, 'sh', ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  ;(watcher.stdin as unknown as { unref(): void }).unref()
  return watcher
}

/** Resolves once the server has printed it, rejects if it ends before. */
async function sees(server: ChildProcess, text: RegExp): Promise<void> {
  let printed = ''
  await new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      printed = (printed + chunk.toString()).slice(-8_000)
      if (text.test(printed)) resolve()
    }
    server.stdout!.on('data', look)
    server.stderr!.on('data', look)
    server.once('error', reject)
    server.once('exit', (code, signal) => reject(new Error(`the server ended (${code ?? signal}):\n${printed}`)))
  })
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
