/**
 * Opens a socket to a Postgres that is ready for the startup message: connected, and inside TLS where that is asked
 * for. postgres.js gets the finished socket. If it wrapped a socket in TLS itself, it would take all listeners off, and
 * an error of that socket would end the process.
 */
import { isIP, Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { DeadlinePassed, HungUp, NO_ANSWER, TlsRefused } from './postgres-errors.ts'

export interface Address {
  /** What the server's certificate has to name. */
  readonly host: string
  /** Where to connect instead of looking the host up. */
  readonly hostaddr?: string | undefined
  readonly port: number
  /** A unix socket, which needs none of them, and no TLS. */
  readonly path: string | undefined
}

export interface Encryption {
  /** Whether to go on in the clear with a server that has no TLS. */
  readonly isOptional: boolean
  /** Begin with TLS, without asking whether the server has it (PostgreSQL 17). */
  readonly isDirect: boolean
  readonly options: ConnectionOptions
}

/** Length and code of the message that asks for TLS. */
const TLS_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const YES = 'S'
const NO = 'N'

/** @param timeout milliseconds; past them it rejects with {@link DeadlinePassed}. */
export async function openSocket(
  address: Address,
  encryption: Encryption | undefined,
  timeout: number,
): Promise<Socket> {
  const raw = new Socket()
  // A small COPY waits 40 ms for its own acknowledgement otherwise.
  raw.setNoDelay(true)
  // Whoever waits for a step hears of it; after the last step the socket inside TLS tells.
  raw.on('error', () => {})
  const timer = setTimeout(() => raw.destroy(new DeadlinePassed(NO_ANSWER)), timeout)
  try {
    const connected = settled(raw, 'connect')
    if (address.path === undefined) raw.connect(address.port, address.hostaddr ?? address.host)
    else raw.connect(address.path)
    await connected
    if (encryption === undefined || address.path !== undefined) return raw
    if (!encryption.isDirect && !(await offersTls(raw))) {
      if (encryption.isOptional) return raw
      throw new TlsRefused('has no TLS')
    }
    return await secure(raw, address, encryption)
  } catch (error) {
    raw.destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

async function offersTls(socket: Socket): Promise<boolean> {
  const answered = settled<[Buffer]>(socket, 'data')
  socket.write(TLS_REQUEST)
  const [answer] = await answered
  // What came with it was sent in the clear, by whoever is in between, to be taken for something said inside TLS.
  if (answer.length === 1 && String(answer) === YES) return true
  if (answer.length === 1 && String(answer) === NO) return false
  throw new HungUp('speaks otherwise')
}

async function secure(raw: Socket, { host }: Address, { isDirect, options }: Encryption): Promise<Socket> {
  const name = isIP(host) === 0 ? { servername: host } : {}
  const protocol = isDirect ? { ALPNProtocols: ['postgresql'] } : {}
  // A user's own name goes before: behind a tunnel the host is not what the certificate is for.
  const socket = connectTls({ ...name, ...protocol, ...options, host, socket: raw })
  raw.once('close', () => socket.destroy())
  await settled(socket, 'secureConnect')
  return socket
}

/** Resolves at the event, rejects when the socket ends before it. */
function settled<T extends unknown[]>(socket: Socket, event: string): Promise<T> {
  return new Promise((resolve, reject) => {
    let reason: Error = new HungUp('hung up')
    const note = (error: Error): void => {
      reason = error
    }
    const fail = (): void => reject(reason)
    socket.on('error', note)
    socket.once('close', fail)
    socket.once(event, (...values: unknown[]) => {
      socket.off('error', note)
      socket.off('close', fail)
      resolve(values as T)
    })
  })
}
