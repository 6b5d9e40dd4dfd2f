/** Defines the cache of what models answered, for LangChain: a blob for each prompt and model. */
import { BaseCache, deserializeStoredGeneration, serializeGeneration } from '@langchain/core/caches'
import type { StoredGeneration } from '@langchain/core/messages'
import type { Generation } from '@langchain/core/outputs'
import { defineCall, lifetime, type RulesOf } from '../../call-options.ts'
import type { Duration, NamespaceView } from '../../index.ts'
import { homeOf, type KeptIn, keptIn } from './kept-in.ts'

/** Answers are in `langchain/llm-cache` unless `namespace` says otherwise. */
export interface CacheOptions extends KeptIn {
  /** How long an answer lives: milliseconds or a text like `'30d'`. @default for good */
  readonly ttl?: Duration | undefined
}

const checkOptions = defineCall('ThermoclineCache', { ...keptIn, ttl: lifetime } satisfies RulesOf<CacheOptions>)

/** What a model answered, as it is kept. */
type Stored = StoredGeneration & Pick<Generation, 'generationInfo'>

export class ThermoclineCache extends BaseCache {
  readonly #blobs: NamespaceView['blobs']
  readonly #ttl: number | undefined

  constructor(options: CacheOptions) {
    super()
    const { ttl, ...kept } = checkOptions(options)
    this.#blobs = homeOf('ThermoclineCache', kept, ['langchain', 'llm-cache']).blobs
    this.#ttl = ttl
  }

  /** Returns null where nothing was kept. */
  async lookup(prompt: string, llmKey: string): Promise<Generation[] | null> {
    const entry = await this.#blobs.getByKey(this.keyEncoder(prompt, llmKey))
    if (entry === undefined) return null
    const stored: Stored[] = JSON.parse(new TextDecoder().decode(entry.bytes))
    return stored.map(({ generationInfo, ...generation }) => ({
      ...deserializeStoredGeneration(generation),
      ...(generationInfo && { generationInfo }),
    }))
  }

  async update(prompt: string, llmKey: string, value: Generation[]): Promise<void> {
    const stored = value.map((generation): Stored => {
      const { generationInfo } = generation
      return { ...serializeGeneration(generation), ...(generationInfo && { generationInfo }) }
    })
    const bytes = new TextEncoder().encode(JSON.stringify(stored))
    const key = this.keyEncoder(prompt, llmKey)
    await this.#blobs.put({ key, bytes, contentType: 'application/json', ttl: this.#ttl })
  }
}
