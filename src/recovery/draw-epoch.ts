/**
 * Decides the epoch of the next owner of a log. Owners of a log and of a copy of its folder, as from a backup, know the
 * same epochs. If both took the same next number, what cold has from one would count as shipped by the other; cold
 * refuses the second only where the first got as far as registering it. So the number is drawn at random, from so many
 * that no two are the same.
 */
import { randomInt } from 'node:crypto'

/** Epochs have 64 bits, of which 53 are exact in JavaScript: enough for 2 ** 33 owners. */
const MAX_EPOCH_STEP = 2 ** 20

export function drawEpochAbove(epoch: number): number {
  return epoch + 1 + randomInt(MAX_EPOCH_STEP)
}
