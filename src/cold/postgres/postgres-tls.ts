/** What TLS a connection asks for, by the `sslmode` of libpq or by what a client of postgres.js was given. */
import type { ConnectionOptions } from 'node:tls'
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
export function encryptionOf(mode: string, isDirect: boolean, files: TlsFiles = {}): Encryption | null | undefined {
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

/** From the option `ssl` of postgres.js: a mode, whether at all, or options of Node. */
export function encryptionOfClient(ssl: unknown, isDirect: boolean): Encryption | null {
  if (typeof ssl === 'object' && ssl !== null) return { isOptional: false, isDirect, options: ssl }
  if (!ssl) return null
  const encryption = typeof ssl === 'string' ? encryptionOf(ssl, isDirect) : undefined
  return encryption === undefined ? { isOptional: false, isDirect, options: {} } : encryption
}

function withoutUndefined(files: TlsFiles): ConnectionOptions {
  return Object.fromEntries(Object.entries(files).filter(([, value]) => value !== undefined))
}
