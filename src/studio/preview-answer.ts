/** Says what a sync would do now, in the words of the page: {@link previewAnswer}. */
import type { MemoryStore, PreviewedEntry } from '../index.ts'
import type { PreviewAnswer, PreviewRow } from './answers.ts'
import type { RequestInput } from './request-input.ts'

export async function previewAnswer(
  store: MemoryStore,
  input: RequestInput,
  signal: AbortSignal,
): Promise<PreviewAnswer> {
  const { demote, stay, expire, more } = await store.previewSync({ limit: input.number('limit'), signal })
  return {
    demote: demote.map((entry) => previewRow(entry, 'would leave')),
    stay: stay.map((entry) => previewRow(entry, 'would stay')),
    expire,
    ...{ moreHot: more.hot, moreExpired: more.expired },
  }
}

function previewRow(entry: PreviewedEntry, what: string): PreviewRow {
  const { namespace, id, kind, bytes, idleMs, accessCount } = entry
  return { namespace, id, kind, bytes, idleMs, accessCount, why: `${what}: ${reasonOf(entry)}` }
}

function reasonOf({ reason, policy }: PreviewedEntry): string {
  if (reason === 'policy') return `the policy “${policy ?? 'unnamed'}” says so`
  return reason === 'pinned' ? 'it is pinned' : reason === 'deleted' ? 'it was deleted' : 'it has expired'
}
