/**
 * Tells cold the models that a store makes vectors by, and learns from it which others its entries have vectors of.
 * Queries of this store are not compared with those.
 */
import type { ColdTier, EmbeddingModel } from '../cold/cold-tier.ts'
import { ThermoclineError } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'

/** How often it is looked whether entries have vectors of other models: that may read every row. */
const OTHERS_AGAIN_MS = 300_000

export interface ModelRegistryParts {
  /** The model of the store, and those that it is moved from. */
  readonly models: readonly [EmbeddingModel, ...EmbeddingModel[]]
  readonly cold: Pick<ColdTier, 'registerModel' | 'isModelUsed'>
  readonly logger: Logger
}

export class ModelRegistry {
  readonly #parts: ModelRegistryParts
  /** Those that entries may have vectors of besides, and those that some are known to have. */
  #mayHave: readonly string[] = []
  #others: readonly string[] = []
  #soughtAt = Number.NEGATIVE_INFINITY
  #isTold = false

  constructor(parts: ModelRegistryParts) {
    this.#parts = parts
  }

  /** Models that entries have vectors of as well. */
  get others(): readonly string[] {
    return this.#others
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
    const now = performance.now()
    if (this.#mayHave.length === 0 || now - this.#soughtAt < OTHERS_AGAIN_MS) return
    this.#soughtAt = now
    const { cold, logger, models } = this.#parts
    const used: string[] = []
    for (const other of this.#mayHave) if (await cold.isModelUsed(other)) used.push(other)
    this.#others = used
    const { model } = models[0]
    if (used.length > 0 && !this.#isTold) logger.warn({ model, otherModels: used }, otherModelsMessage(model))
    this.#isTold ||= used.length > 0
  }

  /** The same, whenever it was looked before. */
  lookForOthersNow(): Promise<void> {
    this.#soughtAt = Number.NEGATIVE_INFINITY
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

export function otherModelsMessage(model: string): string {
  return (
    `entries have vectors of another model than ${model}, by which this store was opened: queries that it makes ` +
    'vectors of leave them out, unless that model is among `embed.former`: name it there, and call `reembed()`'
  )
}
