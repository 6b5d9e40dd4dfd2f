/**
 * Tells cold the models that a store makes vectors by, and learns from it which others its entries have vectors of.
 * Queries of this store are not compared with those.
 */
import type { ColdTier, EmbeddingModel } from '../cold/cold-tier.ts'
import { ThermoclineError } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'

/**
 * How often it is looked whether entries have vectors of other models. To find that none has any reads every row, so
 * after that twice as much time passes each time: a model may be named as a former one long after the move.
 */
const OTHERS_AGAIN_MS = { least: 300_000, most: 86_400_000 }

export interface ModelRegistryParts {
  /** The model of the store, and those that it is moved from. */
  readonly models: readonly [EmbeddingModel, ...EmbeddingModel[]]
  readonly cold: Pick<ColdTier, 'registerModel' | 'isModelUsed'>
  readonly logger: Logger
  /** Steady milliseconds. @default performance.now() */
  readonly now?: (() => number) | undefined
}

export class ModelRegistry {
  readonly #parts: ModelRegistryParts
  /** Those that entries may have vectors of besides, and those that some are known to have. */
  #mayHave: readonly string[] = []
  #others: readonly string[] = []
  #isTold = false
  #lookAgainAt = Number.NEGATIVE_INFINITY
  /** After the last look, where that found none. */
  #restMs = 0

  constructor(parts: ModelRegistryParts) {
    this.#parts = parts
  }

  /** Models that entries have vectors of as well. */
  get others(): readonly string[] {
    return this.#others
  }

  /** What is to be done about them; undefined where there are none. */
  get advice(): string | undefined {
    if (this.#others.length === 0) return undefined
    const { model } = this.#parts.models[0]
    return this.#unnamed.length === 0 ? formerModelsMessage(model) : otherModelsMessage(model)
  }

  /** Those of them that queries leave out. */
  get #unnamed(): readonly string[] {
    return this.#others.filter((other) => !this.#parts.models.some(({ model }) => model === other))
  }

  /**
   * Registers the models, before anything is written by one. Rejects where one is known with other dimensions.
   * @throws `ERR_INVALID_OPTIONS`.
   */
  async register(): Promise<void> {
    const { cold, models } = this.#parts
    let known: readonly EmbeddingModel[] = []
    for (const [i, model] of models.entries()) {
      known = await cold.registerModel(model)
      const own = known.find((one) => one.model === model.model)
      if (own !== undefined && own.dimensions !== model.dimensions) throw otherDimensions(own, model, i)
    }
    this.#mayHave = known.map((one) => one.model).filter((other) => other !== models[0].model)
  }

  /** Whoever opens a store by another model than its entries have learns of it, and of how to move them. */
  async lookForOthers(): Promise<void> {
    const { cold, logger, models, now = () => performance.now() } = this.#parts
    if (this.#mayHave.length === 0 || now() < this.#lookAgainAt) return
    // Where it fails as well.
    this.#lookAgainAt = now() + OTHERS_AGAIN_MS.least
    const used: string[] = []
    for (const other of this.#mayHave) if (await cold.isModelUsed(other)) used.push(other)
    this.#restMs = used.length > 0 ? 0 : Math.min(2 * this.#restMs || OTHERS_AGAIN_MS.least, OTHERS_AGAIN_MS.most)
    this.#lookAgainAt = now() + Math.max(this.#restMs, OTHERS_AGAIN_MS.least)
    this.#others = used
    const { model } = models[0]
    const unnamed = this.#unnamed
    if (unnamed.length > 0 && !this.#isTold) logger.warn({ model, otherModels: unnamed }, otherModelsMessage(model))
    this.#isTold ||= unnamed.length > 0
  }

  /** The same, whenever it was looked before. */
  lookForOthersNow(): Promise<void> {
    this.#lookAgainAt = Number.NEGATIVE_INFINITY
    this.#restMs = 0
    return this.lookForOthers()
  }
}

function otherDimensions(
  known: EmbeddingModel,
  given: EmbeddingModel,
  place: number,
): ThermoclineError<'ERR_INVALID_OPTIONS'> {
  const message =
    `the store knows the model ${known.model} with ${known.dimensions} dimensions, not with ${given.dimensions}: say ` +
    'so, or give what makes other vectors another name by `embed.model`'
  const option = place === 0 ? 'embed.dimensions' : `embed.former.${place - 1}.dimensions`
  return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option })
}

function otherModelsMessage(model: string): string {
  return (
    `entries have vectors of another model than ${model}, by which this store was opened: queries that it makes ` +
    'vectors of leave them out: name that model in `embed.former`, and call `reembed()`'
  )
}

function formerModelsMessage(model: string): string {
  return (
    `entries have vectors of a model of \`embed.former\` still, by which queries are asked as well as by ${model}: ` +
    'call `reembed()` to move them'
  )
}
