/** Says what a sync or a checkpoint by hand came to, and whether cold refused some of it. sync-page.ts runs both. */
import { countText, millisText } from './number-text.ts'

export interface Ran {
  readonly synced?: number
  readonly expired?: number
  readonly errors?: number
  readonly durationMs?: number
  readonly shipped?: number
  readonly rejected?: number
}

export interface RunOutcome {
  readonly text: string
  readonly tone: 'good' | 'bad'
}

export function runOutcome(route: 'sync' | 'checkpoint', ran: Ran): RunOutcome {
  const { synced = 0, expired = 0, errors = 0, durationMs, shipped = 0, rejected = 0 } = ran
  const took = durationMs === undefined ? '' : ` in ${millisText(durationMs)}`
  const refused = route === 'sync' ? errors : rejected
  const done =
    route === 'sync'
      ? `Synced${took}: ${countText(synced)} moved, ${countText(expired)} expired`
      : `Shipped ${countText(shipped)} records`
  if (refused === 0) return { text: `${done}.`, tone: 'good' }
  return { text: `${done}; cold refused ${countText(refused)}: see the dead letters.`, tone: 'bad' }
}
