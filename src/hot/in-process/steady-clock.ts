import type { Clock } from '../../kernel/clock.ts'

/**
 * Follows a wall clock and never goes back: a backward step is taken as no time at all. Markers and the lateness of
 * writes are judged by it, because a step back between a write's start and the removal that outdates it would let the
 * marker expire first. Forward steps need no care: they end markers early, and make the writes they guard against late.
 */
export class SteadyClock implements Clock {
  readonly #wall: Clock
  #last: number
  #stepsBack = 0

  constructor(wall: Clock) {
    this.#wall = wall
    this.#last = wall.now()
  }

  now(): number {
    const wall = this.#wall.now()
    if (wall < this.#last) this.#stepsBack += this.#last - wall
    this.#last = wall
    return wall + this.#stepsBack
  }
}
