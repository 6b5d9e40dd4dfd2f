/** Whom the studio answers: nobody without the token, no page of another origin, and nothing is changed by looking. */
import { describe, expect, test } from 'vitest'
import { studio } from '../../src/studio/studio.ts'
import { embeddedPair, shareStore } from '../flow/stores.ts'
import { AskedStudio, ORIGIN, TOKEN } from './ask-studio.ts'

const { store, view } = shareStore(embeddedPair)

const CHANGING = [
  'promote',
  'demote',
  'pin',
  'unpin',
  'delete',
  'erase',
  'update',
  'sync',
  'checkpoint',
  'retry-dead-letters',
  'drop-dead-letters',
]
const LOOKING = [
  'overview',
  'samples',
  'namespaces',
  'entries',
  'search',
  'placements',
  'entry',
  'tree',
  'log',
  'sync',
  'preview',
  'dead-letters',
]

describe('a studio', () => {
  test.each([...LOOKING.map((name) => ['GET', name]), ...CHANGING.map((name) => ['POST', name])])(
    'answers %s of %s to nobody without its token',
    async (method, name) => {
      const asked = new AskedStudio(store(), { write: true })
      const body = method === 'POST' ? { body: '{}' } : {}
      for (const authorization of ['', 'Bearer', `Bearer ${TOKEN.slice(1)}x`, `Bearer ${TOKEN}x`, `Basic ${TOKEN}`]) {
        const response = await asked.request(`/api/${name}`, {
          ...{ method: method!, ...body },
          headers: { authorization, 'content-type': 'application/json', cookie: `token=${TOKEN}` },
        })
        expect([authorization, response.status]).toEqual([authorization, 401])
        expect(response.headers.get('www-authenticate')).toBe('Bearer')
      }
    },
  )

  test('takes no token from an address, which others may see', async () => {
    const { handler } = new AskedStudio(store())
    const response = await handler(new Request(`${ORIGIN}/api/overview?token=${TOKEN}`))
    expect(response.status).toBe(401)
  })

  test.each([
    ['http://evil.example/', {}],
    ['http://127.0.0.1.evil.example/', {}],
    ['http://localhost:80@evil.example/', {}],
    [ORIGIN, { host: 'evil.example' }],
    [ORIGIN, { host: 'evil.example:4983' }],
    [ORIGIN, { host: '127.0.0.1@evil.example' }],
    [ORIGIN, { host: '127.0.0.1:4983/..' }],
    [ORIGIN, { host: '' }],
  ])('does not know itself by another name: %s %o', async (url, headers) => {
    const { handler } = new AskedStudio(store())
    for (const path of ['', 'studio.js', 'api/overview']) {
      const target = new URL(path, url).href.replace('localhost:80@', '')
      const request = new Request(target, { headers: { authorization: `Bearer ${TOKEN}`, ...headers } })
      expect((await handler(request)).status).toBe(421)
    }
  })

  test.each([
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:4984' },
    { origin: 'file://' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('does nothing for a page with %o, even with the token', async (headers) => {
    const own = view()
    const { id } = await own.chunks.put({ text: 'stays' })
    const asked = new AskedStudio(store(), { write: true })
    const { status, body } = await asked.post('delete', { namespace: own.entries.namespace, id }, headers)
    expect({ status, code: body.error.code }).toEqual({ status: 403, code: 'FOREIGN_ORIGIN' })
    expect((await asked.request('/api/overview', { headers })).status).toBe(403)
    expect(await own.chunks.has(id)).toBe(true)
  })

  test('answers a link of another page with its empty page, and no request of it', async () => {
    const { handler } = new AskedStudio(store())
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    expect((await handler(new Request(`${ORIGIN}/`, { headers }))).status).toBe(200)
    expect((await handler(new Request(`${ORIGIN}/api/overview`, { headers }))).status).toBe(401)
  })

  test.each([
    ['https://admin.example.com', 'admin.example.com:443', 200],
    ['https://admin.example.com', 'admin.example.com', 200],
    ['https://admin.example.com', 'admin.example.com:8443', 403],
    ['http://admin.example.com', 'admin.example.com:443', 403],
    ['https://evil.example', 'admin.example.com:443', 403],
  ])('answers a page of %s by the host %s: %i', async (origin, host, status) => {
    const asked = new AskedStudio(store(), { hosts: ['127.0.0.1', 'admin.example.com'] })
    expect((await asked.request('/api/overview', { headers: { origin, host } })).status).toBe(status)
  })

  test.each(['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain', ''])(
    'takes no form (%s)',
    async (type) => {
      const own = view()
      const { id } = await own.chunks.put({ text: 'stays' })
      const asked = new AskedStudio(store(), { write: true })
      const { status } = await asked.post('delete', { namespace: own.entries.namespace, id }, { 'content-type': type })
      expect(status).toBe(415)
      expect(await own.chunks.has(id)).toBe(true)
    },
  )

  test('changes nothing unless it may write', async () => {
    const own = view()
    const { id, version } = await own.chunks.put({ text: 'stays' })
    const asked = new AskedStudio(store())
    for (const name of CHANGING) {
      const { status, body } = await asked.post(name, { namespace: own.entries.namespace, id, patch: { text: 'no' } })
      expect({ name, status, code: body.error.code }).toEqual({ name, status: 403, code: 'READ_ONLY' })
    }
    expect(await own.chunks.peek(id)).toMatchObject({ version, text: 'stays' })
  })

  test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])('changes nothing by %s', async (method) => {
    const own = view()
    const { id } = await own.chunks.put({ text: 'stays' })
    const asked = new AskedStudio(store(), { write: true })
    const query = new URLSearchParams({ namespace: own.entries.namespace, id })
    const response = await asked.request(`/api/delete?${query}`, { method })
    expect(response.status).toBe(method === 'GET' ? 404 : 405)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(await own.chunks.has(id)).toBe(true)
  })

  test.each([
    '/../package.json',
    '/..%2fpackage.json',
    '/%2e%2e/%2e%2e/etc/passwd',
    '//etc/passwd',
    '/studio.js/../../x',
    '/__proto__',
    '/constructor',
    '/api/__proto__',
    '/api/toString',
    '/api/../overview',
    '/api/',
  ])('has nothing but its own files: %s', async (path) => {
    const response = await new AskedStudio(store()).request(path)
    expect(response.status).toBe(path.startsWith('//') ? 421 : 404)
  })

  test('says with everything what a browser may do with it', async () => {
    const asked = new AskedStudio(store())
    for (const path of ['/', '/studio.js', '/nowhere', '/api/overview', '/api/nowhere']) {
      const { headers } = await asked.request(path)
      const policy = headers.get('content-security-policy')!
      expect(policy).toMatch(/default-src 'none'; script-src 'self';/)
      expect(policy).toMatch(/frame-ancestors 'none'/)
      expect(policy).not.toMatch(/unsafe|\*|https?:/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('cache-control')).toBe('no-store')
    }
    const page = await (await asked.request('/')).text()
    expect(page).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=|https?:/)
  })

  test.each([
    [{}, 'token'],
    [{ token: 'too short' }, 'token'],
    [{ token: `${TOKEN} with spaces` }, 'token'],
    [{ token: TOKEN, write: 'yes' }, 'write'],
    [{ token: TOKEN, basePath: 'studio' }, 'basePath'],
    [{ token: TOKEN, basePath: '/a/../b?' }, 'basePath'],
    [{ token: TOKEN, hosts: [] }, 'hosts'],
    [{ token: TOKEN, hosts: ['admin.example.com:80'] }, 'hosts'],
    [{ token: TOKEN, port: 1 }, 'port'],
  ])('refuses %o by name', (options, option) => {
    const open = () => studio(store(), options as never)
    expect(open).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTIONS', details: { option } }))
    expect(open).not.toThrow(TOKEN)
  })
})
