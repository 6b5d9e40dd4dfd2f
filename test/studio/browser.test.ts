/** The studio in a real browser: what people click and see while a server is away, and what a page may not do. */

import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, vi } from 'vitest'
import { type MemoryStore, openMemoryStore } from '../../src/index.ts'
import { studio, toNodeListener } from '../../src/studio/studio.ts'
import { expireMarkersIn, openInMemory, QUIET, redisUrlOf, temporaryFolder, vectorOf } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { describeWithRedis, PrivateRedis } from '../tools/services.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

/** Of each step, on a machine that does much else. */
const STEP_MS = 120_000

const CHROMIUM = '/usr/bin/chromium'
const TOKEN = 'a-token-of-the-browser-tests'
const HOSTILE = '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script> water'

/** What a page of another origin may try that has even learned the token. Runs there. */
const ATTACK = `async ([target, token, id]) => {
  const body = JSON.stringify({ namespace: 'default', id })
  const headers = { authorization: 'Bearer ' + token, 'content-type': 'application/json' }
  const outcome = (sent) => sent.then(({ type, status }) => type + ' ' + status, () => 'refused')
  const frame = document.createElement('iframe')
  frame.src = target
  document.body.append(frame)
  await new Promise((resolve) => frame.addEventListener('load', resolve))
  return [
    await outcome(fetch(target + 'api/overview', { headers })),
    await outcome(fetch(target + 'api/delete', { method: 'POST', headers, body })),
    await outcome(fetch(target + 'api/delete', { method: 'POST', mode: 'no-cors', body })),
    frame.contentDocument === null,
  ]
}`

/** How many things to click or fill have no name. Runs in the page. */
const UNNAMED = `[...document.querySelectorAll('button, a, input, select, textarea')].filter((each) => {
  const name = each.getAttribute('aria-label') ?? each.textContent ?? ''
  return name.trim() === '' && each.labels?.length !== 1
}).length`

/** Counts what other pages of the same origin could ask by. Runs before the page. */
const COUNT_CHANNELS = `globalThis.channels = 0
globalThis.BroadcastChannel = class extends BroadcastChannel {
  constructor(name) {
    super(name)
    channels++
  }
}`

let browser: Browser
beforeAll(async () => {
  if (process.env.REQUIRE_SERVICES && !existsSync(CHROMIUM)) throw new Error('install chromium: .ci/install-services')
  if (existsSync(CHROMIUM) && process.env.MODE === 'long')
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
})
afterAll(() => browser?.close())

const browserTest = existsSync(CHROMIUM) ? longTest : longTest.skip

/** Answers a page of the studio, and what went wrong in it. */
async function open(
  store: MemoryStore,
  write: boolean,
  basePath = '/',
): Promise<{ page: Page; url: string; faults: string[] }> {
  const server = createServer(toNodeListener(studio(store, { token: TOKEN, write, basePath }))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${basePath}`
  // What moves is drawn without end, which costs a whole core where no graphics card does it.
  const context = await browser.newContext({ reducedMotion: 'reduce' })
  await context.addInitScript(COUNT_CHANNELS)
  const page = await context.newPage()
  page.setDefaultTimeout(STEP_MS)
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (line) => {
    if (line.type() === 'error' && !/Failed to load resource/.test(line.text())) faults.push(line.text())
  })
  onTestFinished(async () => {
    await context.close()
    server.closeAllConnections()
    server.close()
  })
  await page.goto(`${url}#token=${TOKEN}`)
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  return { page, url, faults }
}

describeWithRedis('a studio in a browser', () => {
  browserTest(
    'is clicked through: browse, search, an entry demoted, promoted, pinned, edited, deleted; a sync',
    async () => {
      await using redis = await PrivateRedis.start({ onPort: true })
      const dir = await temporaryFolder()
      await using store = await openMemoryStore({ ...QUIET, dir, hot: { url: redisUrlOf(redis) } })
      const own = store.namespace('tenant', 'acme')
      await own.chunks.put({ key: 'ice', text: 'Ice floats', embedding: vectorOf(1), metadata: { year: 1893 } })
      await own.chunks.put({ key: 'hostile', text: HOSTILE })
      await store.checkpoint()
      const { page, faults } = await open(store, true)
      expect(page.url()).not.toContain(TOKEN)
      await page
        .getByRole('img', { name: /Data flow: write/ })
        .first()
        .waitFor()

      await page.getByRole('link', { name: 'Browse' }).click()
      await page
        .getByRole('link', { name: /tenant\/acme/ })
        .first()
        .click()
      await page.getByRole('list', { name: 'Entries' }).getByText('Ice floats').waitFor()
      await page.getByText(HOSTILE).waitFor()
      expect(await page.title()).toBe('Browse · thermocline studio')

      await page.keyboard.press('/')
      await page.keyboard.type('floats')
      await page.keyboard.press('Enter')
      const hits = page.getByRole('list', { name: 'Hits' })
      await hits.getByText('Ice floats').waitFor()
      await hits.getByLabel('cold has the newest version').waitFor()
      expect(await hits.getByRole('listitem').count()).toBe(1)
      await hits.getByText('Ice floats').click()

      await page.getByRole('heading', { name: 'ice' }).waitFor()
      const act = async (name: string, outcome: string) => {
        await page.getByRole('button', { name, exact: true }).click()
        await page.getByText(outcome).waitFor()
      }
      await act('Demote', 'It has left hot.')
      await page.getByRole('row', { name: /hot does not have it/ }).waitFor()
      await act('Promote', 'Hot refused it for now')
      await expireMarkersIn(redis)
      await act('Promote', 'It is in hot now.')
      await page.getByRole('row', { name: /hot has the newest version/ }).waitFor()
      await act('Pin', 'It is pinned.')
      await act('Unpin', 'It is not pinned any more.')

      await page.getByRole('button', { name: 'Edit' }).click()
      await page.getByRole('textbox', { name: 'metadata' }).fill('{"year": 1896, "by": "Nansen"}')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Saved.').waitFor()
      const [entry] = (await own.chunks.find({ where: { key: 'ice' } })).items
      expect(entry).toMatchObject({ text: 'Ice floats', metadata: { year: 1896, by: 'Nansen' } })

      await page.getByRole('link', { name: 'Sync' }).click()
      await page.getByRole('button', { name: 'Sync now' }).click()
      await page.getByText(/^Synced in/).waitFor()
      await page
        .getByRole('cell', { name: /moved, 0 refused/ })
        .first()
        .waitFor()

      await page.goBack()
      await page.getByRole('button', { name: 'Delete' }).click()
      await page.getByRole('dialog').waitFor()
      await page.keyboard.press('Escape')
      expect(await own.chunks.has(entry!.id)).toBe(true)
      await page.getByRole('button', { name: 'Delete' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
      await page.getByText('Deleted.').waitFor()
      expect(await own.chunks.has(entry!.id)).toBe(false)
      expect(faults).toEqual([])
    },
  )

  browserTest('says that Redis is away, and since when, alerts of it, and comes back by itself', async () => {
    await using redis = await PrivateRedis.start({ onPort: true })
    const dir = await temporaryFolder()
    const options = { ...QUIET, dir, hot: { url: redisUrlOf(redis) } }
    await using store = await openMemoryStore({ ...options, alerts: { tierAway: '1s', hitRatio: false } })
    const { id } = await store.chunks.put({ text: 'here' })
    await store.checkpoint()
    const { page, faults } = await open(store, false)
    await page.getByText('read-only').waitFor()
    await redis.kill()
    await store.chunks.get(id)
    await page.getByText(/Hot is away/).waitFor()
    await page.getByText(/hot-away/).waitFor()
    await page.getByRole('link', { name: 'Browse' }).click()
    await page.getByRole('list', { name: 'Entries' }).getByText('here').waitFor()
    await redis.restart()
    await expect.poll(() => store.chunks.get(id).then(() => store.health().hot.is)).toBe('there')
    await page.getByText(/Hot is away/).waitFor({ state: 'detached' })
    await page.getByText(/hot-away/).waitFor({ state: 'detached' })
    expect(faults).toEqual([])
  })
})

describe('a studio in a browser', () => {
  browserTest('is closed to whoever has no token, to pages of others, and to frames', async () => {
    await using store = await openInMemory()
    const { id } = await store.chunks.put({ text: 'stays' })
    const { url } = await open(store, true)
    const stranger = await browser.newPage()
    onTestFinished(() => stranger.close())
    await stranger.goto(url)
    await stranger.getByLabel('Address or token').fill(`${url}#token=wrong-token-of-somebody`)
    await stranger.getByRole('button', { name: 'Open' }).click()
    await stranger.getByText(/This token is of another studio/).waitFor()

    const evil = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>evil'))
    await once(evil.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => {
      evil.closeAllConnections()
      evil.close()
    })
    await stranger.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`)
    const tried = await stranger.evaluate(`(${ATTACK})(${JSON.stringify([url, TOKEN, id])})`)
    expect(tried).toEqual(['refused', 'refused', 'refused', true])
    expect(await store.chunks.has(id)).toBe(true)
  })

  browserTest('takes an address pasted into an open tab, and hands its token on only at its own host', async () => {
    await using store = await openInMemory()
    const { page, url } = await open(store, false)
    await page.goto(`${url}#token=another-token-of-somebody`)
    await page.getByText(/This token is of another studio/).waitFor()
    await page.goto(`${url}#token=${TOKEN}`)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    expect(page.url()).not.toContain(TOKEN)
    const tab = await page.context().newPage()
    tab.setDefaultTimeout(STEP_MS)
    await tab.goto(url)
    await tab.getByRole('heading', { name: 'Overview' }).waitFor()
    const mounted = await open(store, false, '/studio/')
    expect(await mounted.page.evaluate('channels')).toBe(0)
    expect(await tab.evaluate('channels')).toBe(1)
  })

  browserTest('goes on by itself after an answer that failed, and says what its address names', async () => {
    await using store = await openInMemory()
    await store.chunks.put({ text: 'listed' })
    const { page, faults } = await open(store, false)
    await page.route(/api\/entries/, (route) => route.fulfill({ status: 502, body: '<h1>Bad Gateway</h1>' }))
    await page.getByRole('link', { name: 'Browse' }).click()
    await page.getByText('HTTP_502').waitFor()
    await page.unroute(/api\/entries/)
    await page.getByText('listed').waitFor()

    await page.evaluate("location.hash = '#/tree?namespace=nowhere'")
    await page.getByText('has no RAPTOR nodes').waitFor()
    expect(await page.getByLabel('Namespace').inputValue()).toBe('nowhere')
    await page.route(/api\/dead-letters/, (route) => route.fulfill({ json: { items: [] } }))
    await page.evaluate("location.hash = '#/dead-letters?cursor=the-last-page'")
    await page.getByText('None on this page.').waitFor()
    await page.getByRole('link', { name: 'First page' }).click()
    await page.getByText('None: the database took every write.').waitFor()
    expect(faults).toEqual([])
  })

  browserTest('fits 360 pixels, changes its colours, and is found by who cannot see it', async () => {
    await using store = await openInMemory()
    await store.raptorNodes.put({ level: 1, summary: 'a summary', children: [] })
    const { page, faults } = await open(store, true)
    await page.setViewportSize({ width: 360, height: 720 })
    for (const name of ['Overview', 'Browse', 'Tree', 'Log', 'Sync', 'Dead letters', 'Retention']) {
      await page.getByRole('link', { name, exact: true }).click()
      await page.getByRole('heading', { level: 1, name }).waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
      const unnamed = await page.evaluate(UNNAMED)
      expect([name, unnamed]).toEqual([name, 0])
    }
    const background = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    await page.emulateMedia({ colorScheme: 'dark' })
    const dark = await background()
    await page.emulateMedia({ colorScheme: 'light' })
    expect(await background()).not.toBe(dark)
    await page.getByRole('button', { name: /^Colours: system/ }).click()
    await expect.poll(background).toBe(dark)
    expect(faults).toEqual([])
  })
})
