/**
 * Defines the record manager for LangChain's `index()`, which remembers what was indexed and when: an entry for each
 * key, and one that tells the time.
 */
import { type ListKeyOptions, RecordManager, type UpdateOptions } from '@langchain/core/indexing'
import { defineCall, type OptionRule, optionRule, type RulesOf } from '../../call-options.ts'
import {
  isThermoclineError,
  type MetadataInput,
  type NamespaceView,
  ThermoclineError,
  type Version,
  type Where,
} from '../../index.ts'
import { homeOf, type KeptIn, keptIn } from './kept-in.ts'

/** Records are in `langchain/records` unless `namespace` says otherwise: one for each collection of documents. */
export type RecordManagerOptions = KeptIn

type Group = string | number | null

/** In the metadata of a record. */
interface RecordFields {
  /** As `getTime` tells it. */
  readonly updatedAt: number
  readonly group: Group
}

const time = optionRule((value) => (Number.isFinite(value) ? (value as number) : undefined), 'a time of `getTime`')
/** `index()` says undefined where a document has no source. */
const groups: OptionRule<readonly Group[]> = optionRule(
  (value) => (Array.isArray(value) && value.every(isGroup) ? value.map((group) => group ?? null) : undefined),
  'an array of texts, or null',
)
const limit = optionRule(
  (value) => (Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined),
  'a whole number',
)
const checkOptions = defineCall('ThermoclineRecordManager', keptIn satisfies RulesOf<RecordManagerOptions>)
const checkUpdate = defineCall('update', { groupIds: groups, timeAtLeast: time } satisfies RulesOf<UpdateOptions>)
const checkList = defineCall('listKeys', {
  ...{ before: time, after: time },
  groupIds: groups,
  limit,
} satisfies RulesOf<ListKeyOptions>)

/** Every process sees what a call has written once it resolves, so each needs both tiers. */
const DECIDED = { durability: 'cold' } as const
const CLOCK = 'clock'
/** Milliseconds between two times at least: a number has room for that. */
const STEP = 1 / 1024
/** How often is tried what somebody else writes at the same time. */
const MOST_TRIES = 100

export class ThermoclineRecordManager extends RecordManager {
  override lc_namespace = ['langchain', 'recordmanagers', 'thermocline']
  readonly #records: NamespaceView['metadata']
  readonly #clock: NamespaceView['metadata']

  constructor(options: RecordManagerOptions) {
    super()
    const home = homeOf('ThermoclineRecordManager', checkOptions(options), ['langchain', 'records'])
    this.#records = home.metadata
    this.#clock = home.namespace('clock').metadata
  }

  /** Nothing is left to do: an open store has its tables. */
  async createSchema(): Promise<void> {}

  /**
   * Milliseconds since 1970 by the clock of the database, with a fraction: whoever asks is told more than anybody was
   * told before.
   */
  async getTime(): Promise<number> {
    for (let tries = 1; ; tries++) {
      const there = await this.#clock.getByKey(CLOCK)
      const least = there === undefined ? 0 : timeOf(there.version, there.metadata.least as number) + STEP
      const input = { key: CLOCK, metadata: { least } }
      try {
        const { version } = await this.#clock.put(input, { expectedVersion: there?.version ?? null })
        return timeOf(version, least)
      } catch (error) {
        if (!isThermoclineError(error, 'ERR_CONFLICT') || tries === MOST_TRIES) throw error
      }
    }
  }

  /** Marks keys as of now. A key keeps the group that it has. */
  async update(keys: string[], options?: UpdateOptions): Promise<void> {
    const { groupIds = keys.map(() => null), timeAtLeast = 0 } = checkUpdate(options)
    if (groupIds.length !== keys.length)
      throw refused('groupIds', `there must be as many groups as keys: ${groupIds.length} is not ${keys.length}`)
    const updatedAt = await this.getTime()
    if (updatedAt < timeAtLeast)
      throw refused('timeAtLeast', `the time is ${updatedAt}, and not \`timeAtLeast\` yet: take it from \`getTime\``)
    const there = await this.#records.getManyByKey(keys)
    const records = keys.map((key, i): MetadataInput => {
      const { group = groupIds[i]! } = (there[i]?.metadata ?? {}) as Partial<RecordFields>
      return { kind: 'metadata', key, metadata: { updatedAt, group } satisfies RecordFields }
    })
    await this.#records.putMany(records, DECIDED)
  }

  exists(keys: string[]): Promise<boolean[]> {
    return this.#records.hasMany(this.#idsOf(keys))
  }

  /** Returns keys that were marked before, or after, a time, and have one of the groups, in no order. */
  async listKeys(options?: ListKeyOptions): Promise<string[]> {
    const { before, after, groupIds, limit = Number.POSITIVE_INFINITY } = checkList(options)
    const asked: Where<'metadata'>[] = [{ key: { exists: true } }]
    if (before !== undefined) asked.push({ 'metadata.updatedAt': { lt: before } })
    if (after !== undefined) asked.push({ 'metadata.updatedAt': { gt: after } })
    if (groupIds !== undefined) asked.push({ 'metadata.group': { in: groupIds } })
    const keys: string[] = []
    if (limit === 0) return keys
    for await (const { key } of this.#records.findAll({ where: { and: asked }, select: ['key'] })) {
      keys.push(key!)
      if (keys.length === limit) break
    }
    return keys
  }

  async deleteKeys(keys: string[]): Promise<void> {
    await this.#records.deleteMany(this.#idsOf(keys), DECIDED)
  }

  #idsOf(keys: readonly string[]): string[] {
    return keys.map((key) => this.#records.idOf(key))
  }
}

/** The time that was told by such an entry. A version begins with 12 hex digits of milliseconds. */
function timeOf(version: Version, least: number): number {
  return Math.max(least, Number.parseInt(version.slice(0, 12), 16))
}

function isGroup(value: unknown): value is Group | undefined {
  return typeof value === 'string' || Number.isFinite(value) || value === null || value === undefined
}

function refused(option: string, message: string): ThermoclineError<'ERR_INVALID_OPTIONS'> {
  return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option })
}
