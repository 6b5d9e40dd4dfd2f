/** Redis servers of a test's own: single, watched by a Sentinel, and joined into a cluster. */
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { vi } from 'vitest'
import { freePort, makeFolder, PrivateServer } from './private-server.ts'

export interface RedisServerOptions {
  /** On a free port of 127.0.0.1 instead of a unix socket. */
  readonly onPort?: boolean
  /** Further arguments, such as `['--maxmemory', '5mb']`. */
  readonly args?: readonly string[]
}

/** No files; and no waiting for more replicas (five seconds) before the first is sent what there is. */
const REDIS_ARGS = '--bind 127.0.0.1 --save  --appendonly no --repl-diskless-sync-delay 0'.split(' ')

/** On a port it begins with a capital, on a socket it goes on about it. */
const READY = 'eady to accept connections'

/** A Redis of one's own, to be killed, stopped, filled and restarted at will. It keeps no file unless told to. */
export class PrivateRedis extends PrivateServer {
  /** What ioredis needs to connect. */
  readonly connection: { readonly path: string } | { readonly host: string; readonly port: number }
  readonly #args: readonly string[]

  private constructor(dir: string, port: number | undefined, args: readonly string[]) {
    super(dir)
    this.connection = port === undefined ? { path: join(dir, 'redis.sock') } : { host: '127.0.0.1', port }
    const listen = port === undefined ? ['--port', '0', '--unixsocket', join(dir, 'redis.sock')] : ['--port', `${port}`]
    this.#args = [...listen, '--dir', dir, ...REDIS_ARGS, ...args]
  }

  static async start({ onPort = false, args = [] }: RedisServerOptions = {}): Promise<PrivateRedis> {
    const redis = new PrivateRedis(await makeFolder('redis'), onPort ? await freePort() : undefined, args)
    await redis.restart()
    return redis
  }

  /** Starts it (again) at the same address, with what its folder holds and, this time, further arguments. */
  async restart(args: readonly string[] = []): Promise<void> {
    await this.kill()
    await this.run(['redis-server', ...this.#args, ...args], READY)
  }

  /** Ends it at once, and waits until it is gone. */
  kill(): Promise<void> {
    return this.crash()
  }
}

/** A Sentinel that fails over at once: it alone decides, and waits half a second. The watched Redis is called `hot`. */
export class PrivateSentinel extends PrivateServer {
  readonly port: number

  private constructor(dir: string, port: number) {
    super(dir)
    this.port = port
  }

  /** @param watched port of the master. */
  static async start(watched: number): Promise<PrivateSentinel> {
    const sentinel = new PrivateSentinel(await makeFolder('sentinel'), await freePort())
    const file = join(sentinel.dir, 'sentinel.conf')
    await writeFile(
      file,
      [
        `port ${sentinel.port}`,
        'bind 127.0.0.1',
        `dir ${sentinel.dir}`,
        `sentinel monitor hot 127.0.0.1 ${watched} 1`,
        'sentinel down-after-milliseconds hot 500',
        'sentinel failover-timeout hot 5000',
        '',
      ].join('\n'),
    )
    await sentinel.run(['redis-server', file, '--sentinel'], '+slave slave')
    return sentinel
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
