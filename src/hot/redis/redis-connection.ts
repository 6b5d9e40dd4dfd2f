/**
 * Connects to Redis: one server, Sentinel or Cluster, with the options that ioredis takes. Some options are ours
 * whatever the user's client says ({@link termsOf}): no offline queue, nothing sent again over a single server's
 * connection, a timeout for every command. Scripts are registered with ioredis, which sends one whole where the server
 * has forgotten it (NOSCRIPT). `onDown` and `onUp` are called when any connection breaks or comes up, because each new
 * connection may lead to another generation (redis-generation.ts).
 */
import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis'
import { Cluster, Redis } from './load-ioredis.ts'
import { isFromReplica, troubleOf } from './redis-errors.ts'
import type { RedisLocation } from './redis-location.ts'
import { SCRIPTS, type ScriptName } from './redis-scripts.ts'
import { parseRedisUrl } from './redis-url.ts'

export interface RedisConnectionOptions {
  readonly server: RedisLocation
  /** Milliseconds for one command, and for a connection to come up. */
  readonly commandTimeout: number
  /** All masters can be asked, over connections of which at least one is new. */
  readonly onUp: () => void
  /** A connection broke: what comes after it may be another server. */
  readonly onDown: () => void
  readonly onError: (error: unknown) => void
}

export type ScriptArgument = string | number | Uint8Array
type OnReply = (error: Error) => boolean
type ScriptCall = (keyCount: number, ...rest: ScriptArgument[]) => Promise<unknown>

/** Longest pause between two attempts to connect. */
const MAX_RETRY_MS = 1_000
const retryStrategy = (attempt: number): number => Math.min(attempt * 50, MAX_RETRY_MS)

export class RedisConnection {
  /** Where Redis is, without credentials. */
  readonly address: string
  readonly #client: Redis | Cluster
  readonly #options: RedisConnectionOptions
  readonly #watched = new WeakSet<Redis>()
  #trouble: string | undefined
  #isLeavingReplica = false

  constructor(options: RedisConnectionOptions) {
    this.#options = options
    this.#client = createClient(options, (error) => this.#leavesReplica(error))
    this.address = addressOf(options.server, this.#client)
    this.#client.on('error', (error: unknown) => {
      this.#trouble = troubleOf(error, { usesTls: this.#usesTls }) ?? this.#trouble
      options.onError(error)
    })
    this.#client.on('ready', () => {
      this.#trouble = undefined
    })
    if (this.#client instanceof Redis) this.#watch(this.#client)
    else this.#watchCluster(this.#client)
  }

  /** Resolves when connected; rejects when the first attempt fails, and goes on trying. */
  async connect(): Promise<void> {
    // A cluster whose first attempt finds it not ready settles only the promises of later attempts.
    const ready = new Promise<void>((resolve) => this.#client.once('ready', () => resolve()))
    await Promise.race([ready, this.#client.connect()])
  }

  /** What the latest attempt to connect met, such as WRONGPASS or ECONNREFUSED; undefined once it is connected. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  get isCluster(): boolean {
    return this.#client instanceof Cluster
  }

  get isUp(): boolean {
    return this.#client.status === 'ready'
  }

  get #usesTls(): boolean {
    const client = this.#client
    const options: RedisOptions | undefined = client instanceof Redis ? client.options : client.options.redisOptions
    return options?.tls !== undefined
  }

  /** A connection to each master. */
  masters(): Redis[] {
    const masters = this.#client instanceof Redis ? [this.#client] : this.#client.nodes('master')
    for (const master of masters) this.#watch(master)
    return masters
  }

  /** Runs a script on the master that has the keys, and answers texts and numbers. */
  run(name: ScriptName, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    return this.#call(name, keys, args)
  }

  /** As {@link run}, with bytes in place of texts. */
  runForBytes(name: ScriptName, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    return this.#call(`${name}Buffer`, keys, args)
  }

  /**
   * What the script `read` answers, by commands of their own, which costs Redis a third where there are many values; of
   * one server alone, which is asked to write before it is asked to read.
   */
  async readBytes(keys: readonly string[]): Promise<(Buffer | null)[]> {
    const client = this.#client
    const [, values] = await Promise.all([client.persist(keys[0]!), client.mgetBuffer(keys as string[])])
    return values
  }

  /** Closes the connection and waits for that, where there is one. */
  async close(): Promise<void> {
    const { promise: gaveUp, cancel } = waitFor(2 * this.#options.commandTimeout)
    const closed = new Promise<void>((resolve) => this.#client.once('close', () => resolve()))
    const isOpen = ['connecting', 'connect', 'ready'].includes(this.#client.status)
    this.#client.disconnect()
    // A cluster whose nodes are all away closes without saying so.
    if (isOpen) await Promise.race([closed, gaveUp])
    cancel()
  }

  #call(name: string, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    // Typed here instead of on ioredis itself, whose types belong to our users as well.
    const scripts = this.#client as unknown as Record<string, ScriptCall>
    return scripts[scriptCommand(name)]!(keys.length, ...keys, ...args.map(asBuffer))
  }

  /**
   * Who has become a replica refuses writes, and scripts that read begin with one: it is time to connect anew. Once,
   * for as many commands as were on their way there.
   */
  #leavesReplica(error: Error): boolean {
    if (this.#isLeavingReplica || !isFromReplica(error)) return false
    this.#isLeavingReplica = true
    return true
  }

  #watch(connection: Redis): void {
    if (this.#watched.has(connection)) return
    this.#watched.add(connection)
    connection.on('close', this.#options.onDown)
    connection.on('ready', () => {
      this.#isLeavingReplica = false
      this.#options.onUp()
    })
  }

  #watchCluster(cluster: Cluster): void {
    cluster.on('+node', (node: Redis) => {
      this.#options.onDown()
      this.#watch(node)
    })
    cluster.on('-node', this.#options.onDown)
    cluster.on('node error', this.#options.onError)
    cluster.on('ready', this.#options.onUp)
  }
}

function createClient({ server, commandTimeout }: RedisConnectionOptions, reconnectOnError: OnReply): Redis | Cluster {
  const scripts = Object.fromEntries(Object.entries(SCRIPTS).map(([name, lua]) => [scriptCommand(name), { lua }]))
  const terms = termsOf(commandTimeout, reconnectOnError)
  if ('nodes' in server) {
    const options: ClusterOptions | undefined = server.options
    // What a node says goes before the options of all nodes.
    const nodes: ClusterNode[] = nodesOf(server).map((node) => ({ ...nodeOf(node), ...terms }))
    return new Cluster(nodes, {
      clusterRetryStrategy: retryStrategy,
      slotsRefreshTimeout: commandTimeout,
      // Processes that know different masters take each other's generation for lost.
      slotsRefreshInterval: 5_000,
      ...options,
      redisOptions: { ...options?.redisOptions, ...terms },
      keyPrefix: '',
      lazyConnect: true,
      enableOfflineQueue: false,
      enableAutoPipelining: false,
      scaleReads: 'master',
      scripts,
    })
  }
  const given: RedisOptions = 'url' in server ? parseRedisUrl(server.url) : server.options
  return new Redis({ retryStrategy, ...given, ...terms, enableOfflineQueue: false, scripts })
}

/**
 * What holds for each connection, whatever the user's own options say. An older ioredis lacks some and needs none of
 * them.
 */
function termsOf(commandTimeout: number, reconnectOnError: OnReply) {
  return {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout,
    connectTimeout: commandTimeout,
    // A server that stopped also keeps a connection from closing.
    disconnectTimeout: commandTimeout,
    // A server that stopped keeps its connections open, and the queue of what timed out would grow without end.
    socketTimeout: 2 * commandTimeout,
    enableAutoPipelining: false,
    keyPrefix: '',
    readOnly: false,
    monitor: false,
    stringNumbers: false,
    replyMapping: 'legacy',
    reconnectOnError,
  } as const
}

/** What ioredis itself has taken for nodes. */
function nodesOf({ nodes }: { readonly nodes: readonly unknown[] }): readonly ClusterNode[] {
  return nodes as readonly ClusterNode[]
}

function nodeOf(node: ClusterNode): Exclude<ClusterNode, string | number> {
  if (typeof node === 'number') return { port: node }
  return typeof node === 'string' ? parseRedisUrl(node, 'hot.client') : node
}

function waitFor(milliseconds: number): { promise: Promise<void>; cancel: () => void } {
  let timer: NodeJS.Timeout | undefined
  const promise = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  return { promise, cancel: () => clearTimeout(timer) }
}

/** Returns a name that no command of Redis has. */
function scriptCommand(name: string): string {
  return `thermocline_${name}`
}

function asBuffer(argument: ScriptArgument): string | number | Buffer {
  return argument instanceof Uint8Array
    ? Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength)
    : argument
}

function addressOf(server: RedisLocation, client: Redis | Cluster): string {
  const place = ({ host, port, path }: Pick<RedisOptions, 'host' | 'port' | 'path'>): string =>
    path ?? `${host}:${port}`
  if ('nodes' in server) {
    const nodes = nodesOf(server).map((node) => {
      if (typeof node !== 'string') return typeof node === 'number' ? `port ${node}` : `${node.host}:${node.port}`
      return URL.canParse(node) ? new URL(node).host : 'a node'
    })
    return `cluster ${nodes.join(', ')}`
  }
  const { sentinels, name } = client.options as RedisOptions
  if (sentinels !== undefined && sentinels !== null) return `${name} by sentinels ${sentinels.map(place).join(', ')}`
  return place(client.options as RedisOptions)
}
