/**
 * Answers what a channel that keeps differences (`DeltaChannel`) is rebuilt from: the writes of the ancestors of a
 * checkpoint, back to the nearest one at which the value itself was stored. Ancestors are read in blocks, since there
 * may be thousands.
 */
import type { DeltaChannelHistory } from '@langchain/langgraph-checkpoint'
import type { NamespaceView } from '../../index.ts'
import { type Serialized, valueKey } from './checkpoint-entries.ts'
import type { CheckpointReader, ReadRecord } from './checkpoint-reader.ts'

const BLOCK = 64

/** An ancestor, the nearest first, and which channels go back to it. */
interface Step {
  readonly id: string
  readonly channels: ReadonlySet<string>
}

export async function deltaHistory(
  reader: CheckpointReader,
  view: NamespaceView,
  target: ReadRecord,
  channels: readonly string[],
): Promise<Record<string, DeltaChannelHistory>> {
  const open = new Set(channels)
  const seeds = new Map<string, Serialized>()
  const steps: Step[] = []
  for (let next = target.parent; next !== undefined && open.size > 0; ) {
    const block = await ancestorsFrom(reader, view, next)
    const keys = block.flatMap((record) => [...open].flatMap((channel) => keyOfValue(record, channel) ?? []))
    const values = await reader.values(view, keys)
    for (const record of block) {
      if (open.size > 0) steps.push({ id: record.place.checkpoint, channels: new Set(open) })
      for (const channel of open) {
        const value = values.get(keyOfValue(record, channel) ?? '')
        if (value === undefined) continue
        seeds.set(channel, value)
        open.delete(channel)
      }
    }
    next = block.length < BLOCK ? undefined : block.at(-1)!.parent
  }
  return historiesOf(reader, view, { channels, steps, seeds })
}

/** A block of them; fewer where the thread begins, or where older ones were removed. */
async function ancestorsFrom(reader: CheckpointReader, view: NamespaceView, first: string): Promise<ReadRecord[]> {
  const block: ReadRecord[] = []
  for (let next: string | undefined = first; next !== undefined && block.length < BLOCK; ) {
    const record: ReadRecord | undefined = await reader.record(view, next)
    if (record === undefined) break
    block.push(record)
    next = record.parent
  }
  return block
}

function keyOfValue({ checkpoint }: ReadRecord, channel: string): string | undefined {
  const version = checkpoint.channel_versions[channel]
  return version === undefined ? undefined : valueKey(channel, version)
}

async function historiesOf(
  reader: CheckpointReader,
  view: NamespaceView,
  found: {
    readonly channels: readonly string[]
    readonly steps: readonly Step[]
    readonly seeds: Map<string, Serialized>
  },
): Promise<Record<string, DeltaChannelHistory>> {
  const { channels, steps, seeds } = found
  const oldestFirst = steps.toReversed()
  const histories: Record<string, DeltaChannelHistory> = {}
  for (const channel of channels) histories[channel] = { writes: [] }
  for (const [channel, seed] of seeds) histories[channel]!.seed = await reader.revive(seed)
  for (let i = 0; i < oldestFirst.length; i += BLOCK) {
    const block = oldestFirst.slice(i, i + BLOCK)
    const ids = block.map(({ id }) => id)
    const writes = await reader.writes(view, ids, channels)
    for (const step of block) {
      const counted = writes.get(step.id)?.filter(({ channel }) => step.channels.has(channel))
      for (const write of await reader.reviveAll(counted)) histories[write[1]]!.writes.push(write)
    }
  }
  return histories
}
