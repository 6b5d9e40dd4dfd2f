/** Puts around every page the way to the others, what is wrong with the tiers, and the switch of light and dark. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { AlertAnswer, OverviewAnswer, TierAnswer } from '../answers.ts'
import type { AskError } from './ask-server.ts'
import { fromNowText, timeText } from './number-text.ts'
import { Notice, withCode } from './widgets.ts'

/** In the order in which they stand. */
const PLACES: readonly (readonly [page: string, title: string])[] = [
  ['overview', 'Overview'],
  ['browse', 'Browse'],
  ['tree', 'Tree'],
  ['log', 'Log'],
  ['sync', 'Sync'],
  ['dead-letters', 'Dead letters'],
  ['retention', 'Retention'],
]

interface ShellProps {
  page: string
  overview: OverviewAnswer | undefined
  error: AskError | undefined
  children: ComponentChildren
}

export function Shell({ page, overview, error, children }: ShellProps): VNode {
  const main = useRef<HTMLElement>(null)
  const nav = useRef<HTMLElement>(null)
  // Where they do not fit beside each other, the one that is shown may be out of sight.
  useEffect(() => nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' }), [page])
  return html`<a class="skip" href="#main" onClick=${(event: Event) => skipTo(event, main.current)}>Skip to the page</a>
    <header class="top">
      <a class="brand" href="#/overview"><${Mark} />thermocline</a>
      <nav ref=${nav} aria-label="Pages">
        ${PLACES.map(([name, title]) => {
          const isHere = name === page || (name === 'browse' && page === 'entry')
          return html`<a href=${`#/${name}`} aria-current=${isHere ? 'page' : undefined}>${title}</a>`
        })}
      </nav>
      <div class="top-state">
        ${overview && html`<${Mode} isWritable=${overview.isWritable} />`}
        <${ThemeSwitch} />
      </div>
    </header>
    <main id="main" ref=${main} tabindex="-1">
      <${Troubles} overview=${overview} error=${error} />
      ${children}
    </main>`
}

function skipTo(event: Event, main: HTMLElement | null): void {
  event.preventDefault()
  main?.focus()
}

/** A warm layer above a cold one. */
function Mark(): VNode {
  return html`<svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">
    <rect x="1" y="1" width="20" height="20" rx="5" class="mark-cold" />
    <path d="M1 6a5 5 0 0 1 5-5h10a5 5 0 0 1 5 5v4c-4 3-6-2-10 0s-6 3-10 0z" class="mark-hot" />
  </svg>`
}

function Mode({ isWritable }: { isWritable: boolean }): VNode {
  return isWritable
    ? html`<span class="tag writes" title="This studio may change the store">may write</span>`
    : html`<span class="tag" title="Start it with --write to change the store">read-only</span>`
}

/** What people should know wherever they are, and since when. It goes when it is over. */
function Troubles({ overview, error }: Pick<ShellProps, 'overview' | 'error'>): VNode {
  const since = useSince(error !== undefined)
  const { now = 0, alerts = [], tiers, live = true, error: fault = 'The store is closed.' } = overview ?? {}
  return html`<div aria-live="polite">
    ${
      error &&
      html`<${Notice} tone="bad"><strong>No answer</strong> ${error.message}. Asked again every 2 seconds${
        since === undefined ? '' : `, since ${timeText(since)}`
      }.<//>`
    }
    ${error === undefined && tiers && html`<${Away} name="Hot" tier=${tiers.hot} now=${now} means=${HOT_AWAY} />`}
    ${error === undefined && tiers && html`<${Away} name="Cold" tier=${tiers.cold} now=${now} means=${COLD_AWAY} />`}
    ${error === undefined && alerts.map((alert) => html`<${AlertLine} key=${alert.code} alert=${alert} now=${now} />`)}
    ${!live && html`<${Notice} tone="bad"><strong>Writes are refused</strong> ${fault}<//>`}
  </div>`
}

function AlertLine({ alert: { code, severity, message, since }, now }: { alert: AlertAnswer; now: number }): VNode {
  return html`<${Notice} tone=${severity === 'critical' ? 'bad' : 'warning'}>
    <strong>${code}</strong> ${withCode(message)}${' · '}
    <span title=${timeText(since)}>raised ${fromNowText(since, now)}</span>
  <//>`
}

const HOT_AWAY = 'Every call still works, more slowly: reads go to cold.'
const COLD_AWAY = 'Writes wait in the log, and what is in hot is read; all else fails until it is back.'

function Away(props: { name: string; tier: TierAnswer; now: number; means: string }): VNode | null {
  const { name, tier, now, means } = props
  if (tier.state === 'there') return null
  return html`<${Notice} tone="bad">
    <strong>${name} is away</strong> since ${timeText(tier.since)}, ${fromNowText(tier.since, now)}. ${means}
  <//>`
}

function useSince(isOn: boolean): number | undefined {
  const [since, setSince] = useState<number>()
  useEffect(() => setSince(isOn ? Date.now() : undefined), [isOn])
  return since
}

const THEME = 'thermocline-studio-theme'
const NEXT: Readonly<Record<string, string>> = { system: 'dark', dark: 'light', light: 'system' }

/** As the system says, or as somebody chose here. */
function ThemeSwitch(): VNode {
  const [theme, setTheme] = useState(() => localStorage.getItem(THEME) ?? 'system')
  useEffect(() => {
    localStorage.setItem(THEME, theme)
    document.documentElement.dataset.theme = theme
    dispatchEvent(new Event('theme'))
  }, [theme])
  const label = `Colours: ${theme}. Change to ${NEXT[theme] ?? 'system'}`
  return html`<button
    type="button" class="plain theme" aria-label=${label} title=${label}
    onClick=${() => setTheme(NEXT[theme] ?? 'system')}
  >${theme === 'dark' ? '☾' : theme === 'light' ? '☀' : '◐'}</button>`
}
