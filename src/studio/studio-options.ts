/** Checks the options of the studio, and fills in what is left out. */
import { z } from 'zod'
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

const TOKEN = 'a text of 16 or more letters, digits and - . _ ~ + / ='
const BASE_PATH = "a path like '/studio'"
const HOSTS = "a list of host names without ports, like ['admin.example.com']"

const schema = z.strictObject({
  token: z.string(TOKEN).regex(/^[\w\-.~+/=]{16,}$/, TOKEN),
  write: z.boolean('true or false').optional(),
  basePath: z
    .string(BASE_PATH)
    .regex(/^\/([\w\-.~]+(\/[\w\-.~]+)*\/?)?$/, BASE_PATH)
    .optional(),
  hosts: z
    .array(z.string(HOSTS).regex(/^(\[[\da-f:]+\]|[a-z\d.-]+)$/i, HOSTS), HOSTS)
    .min(1, HOSTS)
    .optional(),
})

export function checkStudioOptions(given: StudioOptions): CheckedStudioOptions {
  const { success, data, error } = schema.safeParse(given)
  if (!success) throw refusalOf(error.issues[0]!)
  const { token, write = false, basePath = '/', hosts = LOOPBACK } = data
  const path = basePath.endsWith('/') ? basePath : `${basePath}/`
  return { token, write, basePath: path, hosts: new Set(hosts.map((host) => host.toLowerCase())) }
}

/** Shows no token: nothing of what was given is in the message. */
function refusalOf(issue: z.core.$ZodIssue): ThermoclineError<'ERR_INVALID_OPTIONS'> {
  const known = Object.keys(schema.shape)
  if (issue.code === 'unrecognized_keys') {
    const option = issue.keys[0]!
    const message = `the studio has no option \`${option}\`; it takes ${known.map((name) => `\`${name}\``).join(', ')}`
    return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option })
  }
  const [option] = issue.path
  if (option === undefined)
    return new ThermoclineError('ERR_INVALID_OPTIONS', 'the options of the studio must be an object with a `token`', {})
  const message = `option \`${String(option)}\` of the studio must be ${issue.message}`
  return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: String(option) })
}
