/**
 * Real servers for tests. A test that needs one asks here; where there is none it is skipped and says how to get it, and
 * `REQUIRE_SERVICES=1` turns that skip into a failure. Servers are private: in a temporary folder of their own, and gone
 * with the process that started them, however that ends.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, vi } from 'vitest'

const REDIS_HELP = 'set REDIS_URL, or put redis-server on the PATH (Debian: apt-get install redis-server)'

/** A Redis that may be used beside others, and that no test kills, fills or flushes. */
export const redisUrl = process.env.REDIS_URL

const hasRedisServer = canRun('redis-server', '--version')

/** Declares tests that need a Redis of their own: `redis-server` on the PATH. */
export function describeWithRedis(name: string, body: () => void): void {
  describeWhere(hasRedisServer, name, body)
}

/** Declares tests that are content with any Redis. */
export function describeWithAnyRedis(name: string, body: () => void): void {
  describeWhere(hasRedisServer || redisUrl !== undefined, name, body)
}

function describeWhere(isThere: boolean, name: string, body: () => void): void {
  if (isThere) describe(name, body)
  else if (process.env.REQUIRE_SERVICES === '1') throw new Error(`REQUIRE_SERVICES=1, and no Redis: ${REDIS_HELP}`)
  else describe.skip(`${name} (skipped: ${REDIS_HELP})`, body)
}

function canRun(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export interface RedisServerOptions {
  /** On a free port of 127.0.0.1 instead of a unix socket. */
  readonly onPort?: boolean
  /** Further arguments, such as `['--maxmemory', '5mb']`. */
  readonly args?: readonly string[]
}

/** A Redis of one's own, to be killed, stopped, filled and restarted at will. It keeps no file unless told to. */
export class PrivateRedis {
  readonly dir: string
  /** What ioredis needs to connect. */
  readonly connection: { readonly path: string } | { readonly host: string; readonly port: number }
  readonly #args: readonly string[]
  readonly #folderWatcher: ChildProcess
  #server: ChildProcess | undefined
  #serverWatcher: ChildProcess | undefined

  private constructor(dir: string, port: number | undefined, args: readonly string[]) {
    this.dir = dir
    this.#folderWatcher = whenWeEnd('rm -rf "$1"', dir)
    this.connection = port === undefined ? { path: join(dir, 'redis.sock') } : { host: '127.0.0.1', port }
    const listen = port === undefined ? ['--port', '0', '--unixsocket', join(dir, 'redis.sock')] : ['--port', `${port}`]
    this.#args = [...listen, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no', ...args]
  }

  static async start({ onPort = false, args = [] }: RedisServerOptions = {}): Promise<PrivateRedis> {
    const dir = await mkdtemp(join(tmpdir(), 'thermocline-redis-'))
    const redis = new PrivateRedis(dir, onPort ? await freePort() : undefined, args)
    await redis.restart()
    return redis
  }

  /** Starts it (again) at the same address, with what its folder holds. */
  async restart(): Promise<void> {
    await this.kill()
    const server = spawn('redis-server', this.#args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#server = server
    this.#serverWatcher = whenWeEnd('kill -9 "$1"', `${server.pid}`)
    await sees(server, /ready to accept connections/i)
    // Tests wait for what they use; the server alone keeps nobody from ending.
    for (const stream of [server, server.stdout, server.stderr]) (stream as unknown as { unref(): void }).unref()
  }

  /** Sends a signal, such as SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    this.#server?.kill(signal)
  }

  /** Ends it at once, and waits until it is gone. */
  async kill(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    server.ref()
    const gone = server.exitCode === null && server.signalCode === null ? once(server, 'exit') : undefined
    server.kill('SIGKILL')
    await gone
    this.#serverWatcher?.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.dir, { recursive: true, force: true })
    this.#folderWatcher.kill('SIGKILL')
  }
}

/** Joins empty servers, started with `--cluster-enabled yes`, into a cluster of as many masters. */
export async function createCluster(servers: readonly PrivateRedis[]): Promise<void> {
  const ports = servers.map(({ connection }) => ('port' in connection ? connection.port : 0))
  const ask = (...args: string[]): string => execFileSync('redis-cli', args, { encoding: 'utf8' })
  ask('--cluster', 'create', ...ports.map((port) => `127.0.0.1:${port}`), '--cluster-yes')
  const isReady = (port: number): boolean => /cluster_state:ok/.test(ask('-p', `${port}`, 'cluster', 'info'))
  await vi.waitUntil(() => ports.every(isReady), { timeout: 30_000, interval: 100 })
}

/** A process that outlives us by a moment: its input ends when we do, however that comes, and then it runs the command. */
function whenWeEnd(command: string, argument: string): ChildProcess {
  const watcher = spawn('/bin/sh', ['-c', `cat >/dev/null; ${command}`, 'sh', argument], {
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
