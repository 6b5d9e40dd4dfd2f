/**
 * A certificate authority of one's own, and what it signed: valid for a day, for this machine alone. Takes `openssl`.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/**
 * Writes `ca.pem` and `ca.key`, and by {@link certify} `server.pem` and `server.key`, for the name `localhost` alone.
 */
export function makeAuthority(dir: string): void {
  const files = ['-keyout', join(dir, 'ca.key'), '-out', join(dir, 'ca.pem')]
  openssl('req', '-x509', ...KEY, ...files, '-subj', '/CN=thermocline tests', '-days', '1')
  certify(dir, 'server', 'DNS:localhost')
}

/** Writes `<name>.pem` and `<name>.key`, signed by the authority in that folder. */
export function certify(dir: string, name: string, subjects: string, ...more: string[]): void {
  const files = ['-keyout', join(dir, `${name}.key`), '-out', join(dir, `${name}.pem`)]
  const authority = ['-CA', join(dir, 'ca.pem'), '-CAkey', join(dir, 'ca.key')]
  const extension = ['-addext', `subjectAltName=${subjects}`, '-addext', 'basicConstraints=CA:FALSE']
  openssl('req', '-x509', ...KEY, ...files, ...authority, '-subj', `/CN=${name}`, ...extension, '-days', '1', ...more)
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' })
}
