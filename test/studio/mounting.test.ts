/** The studio behind servers of others: node:http, and Hono; and below a path of an application. */
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Hono } from 'hono'
import { expect, onTestFinished, test, vi } from 'vitest'
import { toNodeListener } from '../../src/studio/studio.ts'
import { embeddedPair, shareStore } from '../flow/stores.ts'
import { AskedStudio, ORIGIN, TOKEN } from './ask-studio.ts'

const { store, view } = shareStore(embeddedPair)
const authorization = `Bearer ${TOKEN}`

async function serve(listener: ReturnType<typeof toNodeListener>): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

test('by node:http it answers, changes, and knows other hosts by what they ask for', async () => {
  const own = view()
  const { id } = await own.chunks.put({ text: 'here' })
  const port = await serve(toNodeListener(new AskedStudio(store(), { write: true }).handler))
  const url = `http://127.0.0.1:${port}`
  const page = await fetch(url)
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(await page.text()).toContain('studio.js')
  const at = { namespace: own.entries.namespace, id }
  const found = await fetch(`${url}/api/entry?${new URLSearchParams(at)}`, { headers: { authorization } })
  expect(await found.json()).toMatchObject({ entry: { text: 'here' } })
  const headers = { authorization, 'content-type': 'application/json', origin: url }
  const deleted = await fetch(`${url}/api/delete`, { method: 'POST', headers, body: JSON.stringify(at) })
  expect(deleted.status).toBe(200)
  expect(await own.chunks.has(id)).toBe(false)

  const rebound = httpRequest({
    host: '127.0.0.1',
    port,
    path: '/api/overview',
    headers: { authorization, host: 'evil.example' },
  })
  rebound.end()
  const [answer] = await once(rebound, 'response')
  expect(answer.statusCode).toBe(421)
  answer.resume()
})

test('by node:http what is no request of it is refused, and a caller that leaves does no harm', async () => {
  const faults: unknown[] = []
  const port = await serve(
    toNodeListener(new AskedStudio(store(), { write: true }).handler, (error) => faults.push(error)),
  )
  const raw = async (text: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    socket.end(text)
    return (await socket.toArray()).join('')
  }
  expect(await raw('GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')).toMatch(
    / 400 /,
  )
  expect(await raw('GET /../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')).toMatch(/ 404 /)
  expect(await raw('TRACE / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')).toMatch(/ 400 /)
  expect(await raw('GET / HTTP/1.1\r\nHost: a@127.0.0.1\r\nConnection: close\r\n\r\n')).toMatch(/ 400 /)
  const headers = `Authorization: ${authorization}\r\nContent-Type: application/json`
  const head = `POST /api/sync HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`
  const refused = connect(port, '127.0.0.1')
  refused.write('POST /api/sync HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n{')
  const [unread] = (await once(refused, 'data')) as [Buffer]
  expect(unread.toString()).toMatch(/ 401 [\s\S]*connection: close/i)
  refused.destroy()
  const leaving = connect(port, '127.0.0.1')
  leaving.write(`${head}Content-Length: 100\r\n\r\n{`)
  await new Promise((resolve) => setImmediate(resolve))
  leaving.destroy()
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
  expect(faults).toEqual([])
})

test('by node:http a fault of the handler is answered, and told', async () => {
  const faults: unknown[] = []
  const fault = new Error('broken')
  const port = await serve(
    toNodeListener(
      () => Promise.reject(fault),
      (error) => faults.push(error),
    ),
  )
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(500)
  expect(faults).toEqual([fault])
})

test('by node:http a fault of the handler that nobody asked to hear of is a warning', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(() => warned.mockRestore())
  const port = await serve(toNodeListener(() => Promise.reject(new RangeError('Invalid string length'))))
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(500)
  expect(warned).toHaveBeenCalledExactlyOnceWith(
    'the studio failed to answer a request',
    expect.objectContaining({ detail: expect.stringContaining('Invalid string length') }),
  )
})

test('by node:http it changes what a body says that was parsed before, as by express.json()', async () => {
  const own = view()
  const { id } = await own.chunks.put({ text: 'here' })
  const listener = toNodeListener(new AskedStudio(store(), { write: true }).handler)
  const port = await serve(async (incoming, outgoing) => {
    const text = (await incoming.toArray()).join('')
    listener(Object.assign(incoming, { body: text === '' ? undefined : JSON.parse(text) }), outgoing)
  })
  const post = async (route: string, body: string) => {
    const headers = { authorization, 'content-type': 'application/json' }
    return (await fetch(`http://127.0.0.1:${port}/api/${route}`, { method: 'POST', headers, body })).status
  }
  expect(await post('delete', JSON.stringify({ namespace: own.entries.namespace, id }))).toBe(200)
  expect(await own.chunks.has(id)).toBe(false)
  expect(await post('checkpoint', '')).toBe(200)
})

test('by Hono it answers below a path, by the names of hosts that it was given', async () => {
  const { handler } = new AskedStudio(store(), { basePath: '/admin/studio', hosts: ['Admin.example.com'] })
  const app = new Hono()
  app.all('/admin/studio/*', ({ req }) => handler(req.raw))
  app.all('/admin/studio', ({ req }) => handler(req.raw))
  const at = 'https://admin.example.com/admin/studio'
  const moved = await app.request(at)
  expect([moved.status, moved.headers.get('location')]).toEqual([308, '/admin/studio/'])
  expect((await app.request(`${at}/`)).status).toBe(200)
  expect((await app.request(`${at}/studio.css`)).headers.get('content-type')).toBe('text/css; charset=utf-8')
  const headers = { authorization, origin: 'https://admin.example.com' }
  expect(await (await app.request(`${at}/api/overview`, { headers })).json()).toMatchObject({ live: true })
  expect((await app.request(`${ORIGIN}/admin/studio/`)).status).toBe(421)
  expect((await app.request(`${at}x/`)).status).toBe(404)
})

test('of a store that is closed it says so', async () => {
  const closed = await embeddedPair.open()
  const asked = new AskedStudio(closed)
  await closed.close()
  expect(await asked.get('namespaces')).toMatchObject({ status: 503, body: { error: { code: 'ERR_CLOSED' } } })
})
