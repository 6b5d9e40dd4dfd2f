/** Checks the options of the studio, and fills in what is left out; call-options.ts decides how options are checked. */
import { defineCall, flag, type OptionRule, optionRule, type RulesOf } from '../call-options.ts'
import { ThermoclineError } from '../errors.ts'

export interface StudioOptions {
  /**
   * What whoever looks has to know: at least 16 characters, such as `randomBytes(24).toString('base64url')`.
   */
  readonly token: string
  /** Whether the page may change the store: promote, demote, pin, edit, delete, erase, sync. @default false */
  readonly write?: boolean | undefined
  /** Where it is mounted, as `/studio`. @default '/' */
  readonly basePath?: string | undefined
  /**
   * Names of hosts, without a port, under which browsers know it; requests for others are refused.
   * @default ['127.0.0.1', 'localhost', '[::1]']
   */
  readonly hosts?: readonly string[] | undefined
}

export interface CheckedStudioOptions {
  readonly token: string
  readonly write: boolean
  /** With a slash at both ends. */
  readonly basePath: string
  readonly hosts: ReadonlySet<string>
}

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]']
const HOST = /^(\[[\da-f:]+\]|[a-z\d.-]+)$/i

/** What is refused is not in the message: it may be a token. */
const checked = defineCall('studio', {
  token: matching(/^[\w\-.~+/=]{16,}$/, 'a text of 16 or more letters, digits and - . _ ~ + / ='),
  write: flag,
  basePath: matching(/^\/([\w\-.~]+(\/[\w\-.~]+)*\/?)?$/, "a path like '/studio'"),
  hosts: optionRule(
    (hosts) => (Array.isArray(hosts) && hosts.length > 0 && hosts.every(isHost) ? hosts : undefined),
    "a list of host names without ports, like ['admin.example.com']",
  ),
} satisfies RulesOf<StudioOptions>)

export function checkStudioOptions(given: StudioOptions): CheckedStudioOptions {
  const { token, write = false, basePath = '/', hosts = LOOPBACK } = checked(given)
  if (token === undefined)
    throw new ThermoclineError('ERR_INVALID_OPTIONS', 'the studio needs the option `token`', { option: 'token' })
  const path = basePath.endsWith('/') ? basePath : `${basePath}/`
  return { token, write, basePath: path, hosts: new Set(hosts.map((host) => host.toLowerCase())) }
}

function matching(pattern: RegExp, must: string): OptionRule<string> {
  return optionRule((value) => (typeof value === 'string' && pattern.test(value) ? value : undefined), must)
}

function isHost(value: unknown): value is string {
  return typeof value === 'string' && HOST.test(value)
}
