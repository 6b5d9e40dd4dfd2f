import { expect, test } from 'vitest'
import { ratioAtLeast } from './harness/bench-case.ts'
import { linesOf } from './harness/figures.ts'
import { pageOf } from './harness/page.ts'
import { escapeHtml } from './harness/text.ts'

const figures = (perSecond: number) => [{ figures: { perSecond } }]
const rounds = { thermocline: figures(5), '<b>Redis</b> & "co"': figures(10) }
const title = "a put's <script>"
const lines = linesOf(
  {
    title,
    rows: [
      { figure: 'perSecond', unit: '/s', reference: { subject: '<b>Redis</b> & "co"' }, goals: [ratioAtLeast(2)] },
    ],
  },
  rounds,
)
const page = pageOf({
  date: '2026-11-28T10:00:00.000Z',
  commit: 'abc<d>',
  machine: { processors: '2 × one', node: 'v20.20.2' },
  rounds: 1,
  cases: { put: { title, lines, rounds } },
})

test('a text stands on the page as it is', () => {
  expect(escapeHtml(`<a href="x">'&amp;'</a>`)).toBe('&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/a&gt;')
  expect(page).toContain('a put&#39;s &lt;script&gt;')
  expect(page).toContain('&lt;b&gt;Redis&lt;/b&gt; &amp; &quot;co&quot;')
  expect(page).toContain('commit abc&lt;d&gt;')
  expect(page).not.toMatch(/<script>|<b>|<d>/)
})

test('the page says where a goal is missed, and needs nothing from elsewhere', () => {
  expect(page).toContain('<td class="missed">MISSED</td>')
  expect(page).not.toMatch(/\b(?:src|href)=|url\(|@import/)
})
