/** Random histories: what no list of examples would think of. */
import type { Arbitrary } from 'fast-check'
import { expect, it } from 'vitest'
import type { HotWrite, HotWriteResult } from '../../hot/hot-tier.ts'
import { fc } from '../load-fast-check.ts'
import { type HotTierDriver, MARKER_TTL, type OpenedHotTier, openNew } from './fresh-hot-tier.ts'
import { keyOf, payloadOf, versionOf, writeOf } from './hot-writes.ts'

const KEYS = 3

const key = fc.integer({ min: 1, max: KEYS })
const anyReason = fc.constantFrom('put' as const, 'repush' as const, 'promotion' as const)

export function describeHotTierProperties(driver: HotTierDriver): void {
  const advance = driver.movesClock
    ? [fc.record({ do: fc.constant('advance' as const), by: fc.constantFrom(1, MARKER_TTL / 3, MARKER_TTL) })]
    : []
  const replay = async <Step>(
    step: Arbitrary<Step>,
    history: (opened: OpenedHotTier) => { apply(step: Step): Promise<void>; check(): Promise<void> },
  ): Promise<void> => {
    const run = async (steps: Step[]): Promise<void> => {
      const opened = await openNew(driver)
      try {
        const { apply, check } = history(opened)
        for (const one of steps) {
          await apply(one)
          await check()
        }
      } finally {
        await opened.tier.close()
      }
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), run), {
      numRuns: driver.runs,
      ...(driver.seed === undefined ? {} : { seed: driver.seed }),
    })
  }

  it('answers as its reference model does', async () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('write' as const),
        key,
        version: fc.integer({ min: 1, max: 40 }),
        reason: anyReason,
        age: fc.constantFrom(0, 0, 0, MARKER_TTL * 0.4, MARKER_TTL * 2),
      }),
      fc.record({ do: fc.constant('remove' as const), key, wrongVersion: fc.boolean() }),
      fc.record({ do: fc.constant('touch' as const), key, accesses: fc.integer({ min: 1, max: 5 }) }),
      ...advance,
    )
    await replay(step, (opened) => {
      const model = new HotModel(opened)
      return { apply: (one) => model.apply(one), check: () => model.check() }
    })
  })

  it('never holds less than it ever held, while writes and promotions linger and arrive twice', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('put' as const), key, behind: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ do: fc.constant('demote' as const), key }),
      fc.record({ do: fc.constant('read cold' as const), key }),
      fc.record({ do: fc.constant('deliver' as const), which: fc.nat() }),
      ...advance,
    )
    await replay(step, (opened) => {
      const world = new LingeringWrites(opened)
      return { apply: (one) => world.apply(one), check: () => world.check() }
    })
  })
}

type ModelStep =
  | { do: 'write'; key: number; version: number; reason: HotWrite['reason']; age: number }
  | { do: 'remove'; key: number; wrongVersion: boolean }
  | { do: 'touch'; key: number; accesses: number }
  | { do: 'advance'; by: number }

/** The rules of the contract, written down as plainly as they can be. */
class HotModel {
  readonly #opened: OpenedHotTier
  readonly #held = new Map<number, { version: number; accesses: number }>()
  readonly #left = new Map<number, { version: number; at: number }>()
  #highestLeft = 0

  constructor(opened: OpenedHotTier) {
    this.#opened = opened
  }

  async apply(step: ModelStep): Promise<void> {
    const { tier, advance } = this.#opened
    switch (step.do) {
      case 'advance':
        advance?.(step.by)
        return
      case 'write': {
        const now = tier.now()
        const write = writeOf(step.key, step.version, { reason: step.reason, startedAt: now - step.age })
        const [result] = await tier.write([write])
        this.#checkWrite(step, now, result!)
        if (result?.status === 'stored')
          this.#held.set(step.key, { version: step.version, accesses: this.#held.get(step.key)?.accesses ?? 0 })
        return
      }
      case 'remove': {
        const held = this.#held.get(step.key)
        const version = (held?.version ?? 1) + (step.wrongVersion ? 1 : 0)
        const [removed] = await tier.remove([{ key: keyOf(step.key), version: versionOf(version) }])
        expect(removed?.accessCount).toBe(step.wrongVersion ? undefined : held?.accesses)
        if (held === undefined || step.wrongVersion) return
        this.#held.delete(step.key)
        this.#left.set(step.key, { version, at: tier.now() })
        this.#highestLeft = Math.max(this.#highestLeft, version)
        return
      }
      case 'touch': {
        const held = this.#held.get(step.key)
        const touch = { key: keyOf(step.key), accesses: step.accesses, lastAccessedAt: tier.now() }
        expect(await tier.touch([touch])).toEqual(held === undefined ? [touch] : [])
        if (held !== undefined) held.accesses += step.accesses
      }
    }
  }

  #checkWrite({ key, version, reason, age }: ModelStep & { do: 'write' }, now: number, result: HotWriteResult): void {
    const held = this.#held.get(key)?.version
    const left = this.#left.get(key)
    const isMarked = held === undefined && left !== undefined && now - left.at < MARKER_TTL
    if (held === version) expect(result).toEqual({ status: 'stored' })
    else if (held !== undefined && held > version) expect(result).toEqual({ status: 'refused', floor: versionOf(held) })
    else if (isMarked && left.version >= version) this.#checkRefusal(result, left.version)
    else if (age > MARKER_TTL / 2) expect(result).toEqual({ status: 'late' })
    else if (reason !== 'put' || held !== undefined || version > this.#highestLeft)
      expect(result).toEqual({ status: 'stored' })
    // Whether the floor of another key counts depends on the slots of the driver; that of its own always does.
    else if (left !== undefined && left.version >= version) this.#checkRefusal(result, left.version)
    else if (result.status !== 'stored') this.#checkRefusal(result, version)
  }

  /** A refusal that names a floor from `atLeast` to the highest version that left. */
  #checkRefusal(result: HotWriteResult, atLeast: number): void {
    const floor = result.status === 'refused' ? Number.parseInt(result.floor.slice(0, 16), 16) : undefined
    expect(floor).toBeGreaterThanOrEqual(atLeast)
    expect(floor).toBeLessThanOrEqual(this.#highestLeft)
  }

  async check(): Promise<void> {
    const { tier } = this.#opened
    const found = await tier.read(Array.from({ length: KEYS }, (_, i) => keyOf(i + 1)))
    let bytes = 0
    for (const [i, value] of found.entries()) {
      const held = this.#held.get(i + 1)
      expect(value?.version).toBe(held && versionOf(held.version))
      expect(value?.accessCount).toBe(held?.accesses)
      bytes += value?.content.byteLength ?? 0
      if (held !== undefined) expect(Buffer.compare(value!.content.payload, payloadOf(held.version))).toBe(0)
    }
    expect(await tier.size()).toEqual({ entries: this.#held.size, bytes })
    const candidates = await tier.candidates({ limit: KEYS, idleSince: Number.MAX_SAFE_INTEGER })
    expect(candidates).toHaveLength(this.#held.size)
  }
}

type WorldStep =
  | { do: 'put'; key: number; behind: number }
  | { do: 'demote'; key: number }
  | { do: 'read cold'; key: number }
  | { do: 'deliver'; which: number }
  | { do: 'advance'; by: number }

/**
 * Writers whose clocks disagree, a demotion that sees to it that cold has what leaves, and a network that holds writes
 * back and delivers them more than once.
 */
class LingeringWrites {
  readonly #opened: OpenedHotTier
  readonly #network: { key: number; write: HotWrite; version: number }[] = []
  readonly #cold = new Map<number, number>()
  readonly #highest = new Map<number, number>()
  #clock = 100

  constructor(opened: OpenedHotTier) {
    this.#opened = opened
  }

  async apply(step: WorldStep): Promise<void> {
    const { tier, advance } = this.#opened
    switch (step.do) {
      case 'advance':
        advance?.(step.by)
        return
      case 'put': {
        this.#clock += 10
        const result = await this.#send(step.key, this.#clock - step.behind * 10 + 1, 'put')
        if (result.status !== 'refused') return
        const restamped = Number.parseInt(result.floor.slice(0, 16), 16) + 1
        expect(await this.#send(step.key, restamped, 'put')).toEqual({ status: 'stored' })
        return
      }
      case 'demote': {
        const [held] = await tier.read([keyOf(step.key)])
        if (held === undefined) return
        const version = this.#highest.get(step.key)!
        this.#cold.set(step.key, Math.max(this.#cold.get(step.key) ?? 0, version))
        expect(await tier.remove([{ key: keyOf(step.key), version: held.version }])).toEqual([expect.anything()])
        return
      }
      case 'read cold': {
        const version = this.#cold.get(step.key)
        if (version === undefined) return
        const write = writeOf(step.key, version, { reason: 'promotion', startedAt: tier.now() })
        this.#network.push({ key: step.key, write, version })
        return
      }
      case 'deliver': {
        const message = this.#network[step.which % this.#network.length]
        if (message !== undefined) await this.#deliver(message)
      }
    }
  }

  #send(key: number, version: number, reason: HotWrite['reason']): Promise<HotWriteResult> {
    const message = { key, version, write: writeOf(key, version, { reason, startedAt: this.#opened.tier.now() }) }
    this.#network.push(message)
    return this.#deliver(message)
  }

  async #deliver({ key, write, version }: { key: number; write: HotWrite; version: number }): Promise<HotWriteResult> {
    const [result] = await this.#opened.tier.write([write])
    // A promotion shows what was in hot before or, at first, what cold has.
    if (result?.status === 'stored') {
      expect(version).toBeGreaterThanOrEqual(this.#highest.get(key) ?? 0)
      this.#highest.set(key, version)
    }
    return result!
  }

  async check(): Promise<void> {
    for (const [key, version] of this.#highest) {
      const [found] = await this.#opened.tier.read([keyOf(key)])
      if (found !== undefined) expect(found.version).toBe(versionOf(version))
    }
  }
}
