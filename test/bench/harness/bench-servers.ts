/** The servers of a run, each started when a case first asks for it. */
import { PrivatePostgres, PrivateRedis } from '../../tools/services.ts'
import type { ServerAddress } from './bench.ts'
import type { ServerName } from './bench-case.ts'

type Server = PrivateRedis | PrivatePostgres

const START: Readonly<Record<ServerName, () => Promise<Server>>> = {
  redis: () => PrivateRedis.start({ onPort: true }),
  'syncing redis': () => PrivateRedis.start({ onPort: true, args: ['--appendonly', 'yes', '--appendfsync', 'always'] }),
  // As Postgres is after its installation: tests turn off `fsync`.
  postgres: () => PrivatePostgres.start({ onPort: true, settings: { fsync: 'on' } }),
}

export class BenchServers {
  readonly #servers = new Map<ServerName, Server>()

  /** Starts those that do not run yet. They put their data where TMPDIR says. */
  async addresses(names: readonly ServerName[]): Promise<Record<string, ServerAddress>> {
    for (const name of names) if (!this.#servers.has(name)) this.#servers.set(name, await START[name]())
    return Object.fromEntries(names.map((name) => [name, addressOf(this.#servers.get(name)!)]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers.values()) await server[Symbol.asyncDispose]()
  }
}

function addressOf(server: Server): ServerAddress {
  if (server instanceof PrivatePostgres) return { host: '127.0.0.1', port: server.port }
  return server.connection as ServerAddress
}
