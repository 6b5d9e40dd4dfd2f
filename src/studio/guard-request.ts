/**
 * Decides which requests the studio answers at all: of which hosts and origins, and with which token. What they may
 * then change is decided by the routes (routes.ts).
 *
 * The token is in no cookie, so a browser adds it to nothing by itself: a form or a link of another page comes without
 * it. That the host is one of those known keeps a page out whose name was pointed at this machine (DNS rebinding).
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { Refusal } from './refusal.ts'

export interface GuardOptions {
  readonly token: string
  /** Names in lower case, without ports. */
  readonly hosts: ReadonlySet<string>
}

const JSON_TYPE = /^application\/json\s*(;|$)/i

/** Refuses a request that was meant for another host, or that a page of another origin has sent. */
export function refuseForeign(request: Request, url: URL, { hosts }: GuardOptions): void {
  const host = request.headers.get('host')
  const asked = host === null ? url : parsedHost(host)
  if (asked === undefined || !hosts.has(asked.hostname) || !hosts.has(url.hostname))
    throw new Refusal(421, 'FOREIGN_HOST', 'the studio is not known by this host name: name it in `hosts`')
  const origin = request.headers.get('origin')
  if (origin !== null && !isOwn(origin, asked))
    throw new Refusal(403, 'FOREIGN_ORIGIN', 'the studio answers no page of another origin')
  const site = request.headers.get('sec-fetch-site')
  const isNavigation = request.headers.get('sec-fetch-mode') === 'navigate' && request.method === 'GET'
  if (site !== null && site !== 'same-origin' && site !== 'none' && !isNavigation)
    throw new Refusal(403, 'FOREIGN_ORIGIN', 'the studio answers no page of another origin')
}

/** Refuses whoever does not know the token. */
export function refuseStranger(request: Request, { token }: GuardOptions): void {
  const [, given] = /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '') ?? []
  if (given === undefined || !isSame(given, token))
    throw new Refusal(401, 'NO_TOKEN', 'open the address that the studio printed: it has the token')
}

/** What changes something says that it is JSON, which no form can. */
export function refuseForm(request: Request): void {
  if (!JSON_TYPE.test(request.headers.get('content-type') ?? ''))
    throw new Refusal(415, 'NOT_JSON', 'send JSON, as content-type: application/json')
}

/** Takes as long for any two texts: what is compared are digests, of one length. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}

function parsedHost(host: string): URL | undefined {
  const text = `http://${host}/`
  // What puts a path or a user into the header means no host.
  return /[/?#@\\\s]/.test(host) || !URL.canParse(text) ? undefined : new URL(text)
}

/** Pages without an origin send `null`. A proxy that speaks TLS may put its port into the host; no origin has that. */
function isOwn(origin: string, asked: URL): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, host } = new URL(origin)
  return host === asked.host || (protocol === 'https:' && `${host}:443` === asked.host)
}
