/** Checkpoints as a graph would store them. */
import { type Checkpoint, emptyCheckpoint, uuid6 } from '@langchain/langgraph-checkpoint'

export const METADATA = { source: 'loop', step: 0, parents: {} } as const

/** @param version of each channel. */
export function checkpointWith(values: Record<string, unknown>, version = 1): Checkpoint {
  const versions = Object.fromEntries(Object.keys(values).map((channel) => [channel, version]))
  return { ...emptyCheckpoint(), id: uuid6(3), channel_values: values, channel_versions: versions }
}
