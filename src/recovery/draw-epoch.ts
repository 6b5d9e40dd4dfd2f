/**
 * Which epoch the next owner of a log has. A copy of its folder, as of a backup, knows of the same epochs, and of a
 * number that both took, what cold has from the one would count as shipped from the other. Cold refuses the second only
 * where the first got as far as telling it. So the number is drawn at random from so many that no two are the same.
 */
import { randomInt } from 'node:crypto'

/** Epochs have 64 bits, of which 53 are exact in JavaScript: enough for 2 ** 33 owners. */
const MAX_EPOCH_STEP = 2 ** 20

export function drawEpochAbove(epoch: number): number {
  return epoch + 1 + randomInt(MAX_EPOCH_STEP)
}
