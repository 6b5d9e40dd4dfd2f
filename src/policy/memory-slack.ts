/** Decides by how much idle times shrink while memory is short, and grow back once it is not. */

/** Share of the memory in use up to which nothing changes. */
const EASY = 0.8
/** What is left of idle times where all of it is in use: what was read this moment stays all the same. */
const LEAST = 0.05

/** What an idle time is multiplied by: 1 up to 80 % of the memory, and in proportion less from there on. */
export function slackAt(memoryUse: number): number {
  if (memoryUse <= EASY) return 1
  return Math.max(LEAST, (1 - memoryUse) / (1 - EASY))
}
