/** Says which tier has which version of entries, and why: what `explain` knows, in the words of the page. */
import { type Explanation, type MemoryEntry, type MemoryStore, namespaceSegments, type Placement } from '../index.ts'
import type { PlacementAnswer, PlacementRow, Standing } from './answers.ts'
import { Refusal } from './refusal.ts'

type Tier = PlacementAnswer['tier']
const TIERS: readonly Tier[] = ['pending', 'hot', 'cold']
const MOST_ENTRIES = 100

export async function placementRows(store: MemoryStore, asked: unknown, signal: AbortSignal): Promise<PlacementRow[]> {
  if (!Array.isArray(asked) || asked.length > MOST_ENTRIES || !asked.every(isAddress))
    throw new Refusal(400, 'INVALID_INPUT', `\`entries\` must be a list of at most ${MOST_ENTRIES} [namespace, id]`)
  return Promise.all(
    asked.map(async ([namespace, id]) => {
      const explanation = await store.namespace(...namespaceSegments(namespace)).entries.explain(id, { signal })
      const [pending, hot, cold] = placementAnswers(explanation).map(({ standing }) => standing)
      return { namespace, id, pending: pending!, hot: hot!, cold: cold!, pinned: explanation.pinned === true }
    }),
  )
}

function isAddress(value: unknown): value is readonly [namespace: string, id: string] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')
}

export function placementAnswers(explanation: Explanation): PlacementAnswer[] {
  const versions = TIERS.flatMap((tier) => explanation[tier]?.version ?? [])
  const newest = versions.sort().at(-1) ?? ''
  return TIERS.map((tier) => {
    const failure = explanation.failures.find(({ details }) => details.tier === tier)?.message
    const standing = failure === undefined ? standingOf(explanation[tier], newest) : 'unknown'
    return { tier, standing, version: explanation[tier]?.version, failure }
  })
}

function standingOf(placement: Placement | undefined, newest: string): Standing {
  if (placement === undefined) return 'none'
  if (placement.version < newest) return 'older'
  if (placement.deleted) return 'deleted'
  return placement.expired ? 'expired' : 'current'
}

/** Sentences, the weightiest first. */
export function reasonsOf(explanation: Explanation, entry: MemoryEntry | undefined): string[] {
  const [pending, hot, cold] = placementAnswers(explanation).map(({ standing }) => standing) as [
    Standing,
    Standing,
    Standing,
  ]
  const has = (standing: Standing): boolean => standing === 'current'
  return [
    ...(entry === undefined ? goneReasons([pending, hot, cold]) : []),
    ...(explanation.pinned ? ['It is pinned: it stays in hot while it lives.'] : []),
    ...(has(pending)
      ? ['It was written a moment ago: the log has it durable, and a checkpoint brings it to cold.']
      : []),
    ...(has(hot) && explanation.pinned === false
      ? ['Hot has it, since it was written or read lately: a sync demotes it once it has been idle for long enough.']
      : []),
    ...(hot === 'none' && has(cold)
      ? ['Hot does not have it: it was demoted, or never read since hot began anew. The next get may promote it.']
      : []),
    ...(has(cold) ? ['Cold has its newest version: losing hot and the log would lose nothing of it.'] : []),
    ...(hot === 'older' ? ['Hot has an older version, which no read returns: the newest version counts.'] : []),
    ...(cold === 'older' ? ['Cold has an older version, until the newest is shipped.'] : []),
    ...(hot === 'unknown' ? ['Whether hot has it is not known while hot is away: reads go to cold.'] : []),
    ...(cold === 'unknown' ? ['Whether cold has it is not known while cold is away.'] : []),
    ...(entry?.expiresAt !== undefined ? [expiry(entry.expiresAt, entry.slidingTtl)] : []),
  ]
}

function goneReasons(standings: readonly Standing[]): string[] {
  if (standings.includes('deleted'))
    return ['It was deleted: what is left is a tombstone, so that nothing older returns.']
  if (standings.includes('expired')) return ['It has expired: no read finds it, and a sync sweeps it away.']
  if (standings.includes('unknown')) return ['No tier that answers has it.']
  return ['No tier has it: there never was such an entry, or it was erased or collected.']
}

function expiry(at: Date, slidingTtl: number | undefined): string {
  const sliding = slidingTtl === undefined ? '' : ', unless it is read before'
  return `It expires at ${at.toISOString()}${sliding}.`
}
