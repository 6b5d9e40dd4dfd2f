/** Decides which TLS a connection asks for, by the parameters of a url (`sslmode`) or by the options of a client. */
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { invalidParameter, type TakeParameter } from './postgres-parameters.ts'
import type { Encryption } from './postgres-socket.ts'

/** Certificates and keys, as PEM. */
export interface TlsFiles {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly passphrase?: string | undefined
}

const UNVERIFIED: ConnectionOptions = { rejectUnauthorized: false }
/** The authority alone. */
const ANY_NAME: ConnectionOptions = { checkServerIdentity: () => undefined }

/** @returns undefined for a mode that does not exist, null for none. */
function encryptionOf(mode: string, isDirect: boolean, files: TlsFiles = {}): Encryption | null | undefined {
  const encrypted = (options: ConnectionOptions, isOptional = false): Encryption => ({
    isOptional,
    isDirect,
    options: { ...withoutUndefined(files), ...options },
  })
  switch (mode) {
    case 'disable':
      return null
    case 'allow':
    case 'prefer':
      return encrypted(UNVERIFIED, true)
    // As libpq has it: an authority that is named is asked.
    case 'require':
      return encrypted(files.ca === undefined ? UNVERIFIED : ANY_NAME)
    case 'no-verify':
      return encrypted(UNVERIFIED)
    case 'verify-ca':
      return encrypted(ANY_NAME)
    case 'verify-full':
      return encrypted({})
    default:
      return undefined
  }
}

const MODES = '`disable`, `allow`, `prefer`, `require`, `no-verify`, `verify-ca` or `verify-full`'

/**
 * Reads `sslmode`, `sslrootcert` and their like from the parameters of a url.
 *
 * @returns undefined where they say nothing of TLS.
 */
export function encryptionOfUrl(take: TakeParameter): Encryption | null | undefined {
  const root = take('sslrootcert')
  const [cert, key] = [take('sslcert'), take('sslkey')]
  // Prisma calls the authority so; without its key a certificate of one's own is of no use.
  const [authority, name] = root || key ? [root, 'sslrootcert'] : [cert, 'sslcert']
  const files: TlsFiles = {
    ca: authority === 'system' ? undefined : readPem(name, authority),
    cert: key ? readPem('sslcert', cert) : undefined,
    key: readPem('sslkey', key),
    passphrase: take('sslpassword'),
  }
  const negotiation = take('sslnegotiation')
  const accept = take('sslaccept')
  const given = take('sslmode') ?? ofSwitch(take('ssl'))
  // Anybody can have a certificate of an authority that the system trusts, for a name of his own.
  const mode = (accept === 'strict' || root === 'system') && given !== 'disable' ? 'verify-full' : given
  if (mode === undefined) return authority === undefined ? undefined : encryptionOf('verify-full', false, files)
  const encryption = encryptionOf(mode, negotiation === 'direct', files)
  if (encryption === undefined) throw invalidParameter('sslmode', MODES)
  return encryption
}

/** `?ssl=` of postgres.js and of pg: whether, or a mode. */
function ofSwitch(ssl: string | undefined): string | undefined {
  if (ssl === 'true' || ssl === '1') return 'verify-full'
  return ssl === 'false' || ssl === '0' ? 'disable' : ssl
}

function readPem(name: string, path: string | undefined): string | undefined {
  if (!path) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw invalidParameter(name, 'a file that this process can read')
  }
}

/** Reads the option `ssl` of postgres.js, which is a mode, whether at all, or options of Node. */
export function encryptionOfClient(ssl: unknown, isDirect: boolean): Encryption | null {
  if (typeof ssl === 'object' && ssl !== null) return { isOptional: false, isDirect, options: ssl }
  if (!ssl) return null
  const encryption = typeof ssl === 'string' ? encryptionOf(ssl, isDirect) : undefined
  return encryption === undefined ? { isOptional: false, isDirect, options: {} } : encryption
}

function withoutUndefined(files: TlsFiles): ConnectionOptions {
  return Object.fromEntries(Object.entries(files).filter(([, value]) => value !== undefined))
}
