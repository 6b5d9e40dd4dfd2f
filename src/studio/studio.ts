/**
 * Serves the studio: a page in the browser that shows a store, and steers it where it may, as a handler of requests
 * ({@link studio}). It uses nothing of a store but what is public. `thermocline studio` serves it on this machine
 * (cli/studio.ts); what it answers is in routes.ts, whom it answers in guard-request.ts, and the page in page/.
 */
import type { MemoryStore } from '../index.ts'
import { type GuardOptions, refuseForeign, refuseForm, refuseStranger } from './guard-request.ts'
import { PAGE_FILES } from './page.embedded.ts'
import { answerFailure, Refusal } from './refusal.ts'
import { RequestInput } from './request-input.ts'
import { CHANGES, READS, type RouteContext } from './routes.ts'
import { StoreWatcher } from './store-watcher.ts'
import type { StudioOptions } from './studio-options.ts'
import { checkStudioOptions } from './studio-options.ts'

export { type NodeListener, toNodeListener } from './node-listener.ts'
export type { StudioOptions } from './studio-options.ts'

/** Answers requests, of whatever server: Hono, Bun, Deno, Next; of node:http through `toNodeListener`. */
export type StudioHandler = (request: Request) => Promise<Response>

/** No script but the page's own, nothing of another origin, no form, no frame around it. */
const SECURITY_HEADERS = {
  'content-security-policy': [
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:",
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "require-trusted-types-for 'script'; trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/**
 * Returns a handler that serves the studio of a store below `basePath`; open it at `basePath#token=TOKEN`. Without
 * `write` nothing that it answers changes the store: reads are not counted and promote nothing.
 *
 * The numbers of the store are read every ten seconds from now on, until it is closed. A request that is refused, or
 * fails, is answered with a status from 400 on; the handler rejects only where the studio itself has a fault. Throws
 * `ERR_INVALID_OPTIONS`.
 */
export function studio(store: MemoryStore, options: StudioOptions): StudioHandler {
  const { token, write, basePath, hosts } = checkStudioOptions(options)
  const guard: GuardOptions = { token, hosts }
  const known = { store, watcher: new StoreWatcher(store), isWritable: write }
  return async (request) => {
    const url = new URL(request.url)
    try {
      refuseForeign(request, url, guard)
      return guarded(await answer(request, url, basePath, guard, known))
    } catch (error) {
      return guarded(answerFailure(error))
    }
  }
}

type Known = Pick<RouteContext, 'store' | 'watcher' | 'isWritable'>

async function answer(
  request: Request,
  url: URL,
  basePath: string,
  guard: GuardOptions,
  known: Known,
): Promise<Response> {
  // Paths on the page are relative, which the last slash decides.
  if (`${url.pathname}/` === basePath) return new Response(null, { status: 308, headers: { location: basePath } })
  if (!url.pathname.startsWith(basePath)) throw notThere()
  const path = url.pathname.slice(basePath.length)
  if (path.startsWith('api/')) return answerApi(request, url, path.slice('api/'.length), guard, known)
  const file = Object.hasOwn(PAGE_FILES, path) ? PAGE_FILES[path] : undefined
  if (file === undefined) throw notThere()
  if (request.method !== 'GET' && request.method !== 'HEAD') throw wrongMethod()
  return new Response(file.text, { headers: { 'content-type': file.type } })
}

async function answerApi(request: Request, url: URL, name: string, guard: GuardOptions, known: Known) {
  refuseStranger(request, guard)
  const { method, signal } = request
  const routes = method === 'GET' ? READS : method === 'POST' ? CHANGES : undefined
  if (routes === undefined) throw wrongMethod()
  if (!Object.hasOwn(routes, name)) throw notThere()
  if (routes === CHANGES) {
    refuseForm(request)
    if (!known.isWritable)
      throw new Refusal(403, 'READ_ONLY', 'the studio only looks: start it with --write, or with `write: true`')
  }
  const input = routes === CHANGES ? await RequestInput.ofBody(request) : RequestInput.ofQuery(url)
  return Response.json((await routes[name]!({ ...known, input, signal })) ?? {})
}

function notThere(): Refusal {
  return new Refusal(404, 'NOT_THERE', 'there is nothing at this address')
}

function wrongMethod(): Refusal {
  return new Refusal(405, 'WRONG_METHOD', 'look by GET, change by POST')
}

function guarded(response: Response): Response {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value)
  return response
}
