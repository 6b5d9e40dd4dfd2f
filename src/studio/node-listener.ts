/** Serves a handler of requests by node:http, as Express, Fastify and Next have it too: {@link toNodeListener}. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

export type NodeListener = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Returns a listener for `http.createServer`. A caller that goes away aborts the `signal` of its request. What the
 * handler throws is answered with status 500 and handed to `onError`; without one it is a warning of the process.
 */
export function toNodeListener(
  handler: (request: Request) => Promise<Response>,
  onError: (error: unknown) => void = warn,
): NodeListener {
  return (incoming, outgoing) => {
    answer(handler, incoming, outgoing).catch((error: unknown) => {
      // Nobody waits for an answer any more, and reading the rest of a request fails then.
      if (incoming.destroyed && !incoming.complete) return
      if (!outgoing.headersSent) outgoing.writeHead(500)
      outgoing.end()
      onError(error)
    })
  }
}

/** A request must not end the process that answers it. */
function warn(error: unknown): void {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const type = 'ThermoclineWarning'
  process.emitWarning('the studio failed to answer a request', { type, code: 'THERMOCLINE_ERROR', detail })
}

async function answer(
  handler: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  outgoing.once('close', () => gone.abort())
  const request = requestOf(incoming, gone.signal)
  if (request === undefined) {
    outgoing.writeHead(400).end()
    return
  }
  const response = await handler(request)
  // Nobody reads the rest of what was refused: a next request would wait behind it.
  if (!incoming.complete) outgoing.setHeader('connection', 'close')
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  outgoing.end(Buffer.from(await response.arrayBuffer()))
}

/** Returns undefined where its host or its target is none, or its method has no place in a `Request`. */
function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = 'GET', headers, url = '/' } = incoming
  // Express strips what it mounted at.
  const { originalUrl = url } = incoming as { originalUrl?: string }
  const target = `http://${headers.host}${originalUrl}`
  if (headers.host === undefined || !originalUrl.startsWith('/') || !URL.canParse(target)) return undefined
  const given = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  )
  try {
    const body = method === 'GET' || method === 'HEAD' ? {} : bodyOf(incoming)
    return new Request(target, { method, headers: given, signal, ...body })
  } catch {
    // TRACE, CONNECT, a user in the name of the host.
    return undefined
  }
}

/** A parser that ran before (`express.json()`) has read the body, and left what it was. */
function bodyOf(incoming: IncomingMessage): RequestInit {
  if (!incoming.readableEnded) return { body: Readable.toWeb(incoming) as ReadableStream, duplex: 'half' }
  const { body } = incoming as { body?: unknown }
  return typeof body === 'object' && body !== null ? { body: JSON.stringify(body) } : {}
}
