/** Decides how values get their vectors: which of their texts the user's model is asked for, and what it may answer. */
import { ThermoclineError } from '../../index.ts'
import type { Vector } from './item-entries.ts'
import { textsAt } from './item-texts.ts'

/** Returns an embedding for each text, in order. */
export type EmbedItems = (texts: string[]) => Promise<Vector[]> | Vector[]

/** A model as LangChain has it: `Embeddings` of `@langchain/core`. */
export interface EmbeddingModel {
  embedDocuments(texts: string[]): Promise<Vector[]>
  embedQuery(text: string): Promise<Vector>
}

/** `embed` or `embeddings`. */
export interface ItemIndex {
  /** How many numbers an embedding has. */
  readonly dims: number
  readonly embed?: EmbedItems | undefined
  readonly embeddings?: EmbeddingModel | undefined
  /** Paths to what is embedded, as `title`, `chapters[*].text` or `$` for the whole value. @default ['$'] */
  readonly fields?: readonly string[] | undefined
}

export class ItemVectors {
  readonly #index: ItemIndex

  constructor(index: ItemIndex) {
    this.#index = index
  }

  /** The texts of a value, each once. @param paths in place of those of the index. */
  textsOf(value: unknown, paths: readonly string[] | undefined): string[] {
    const { fields = ['$'] } = this.#index
    return [...new Set((paths ?? fields).flatMap((path) => textsAt(value, path)))]
  }

  async ofQuery(text: string): Promise<Vector> {
    const { embeddings, embed } = this.#index
    const vectors = embeddings === undefined ? await embed!([text]) : [await embeddings.embedQuery(text)]
    return this.#checked(vectors, 1)[0]!
  }

  /** Asks for each text once. */
  async of(texts: readonly string[]): Promise<ReadonlyMap<string, Vector>> {
    const wanted = [...new Set(texts)]
    if (wanted.length === 0) return new Map()
    const { embeddings, embed } = this.#index
    const vectors = await (embeddings === undefined ? embed!([...wanted]) : embeddings.embedDocuments([...wanted]))
    const checked = this.#checked(vectors, wanted.length)
    return new Map(wanted.map((text, i) => [text, checked[i]!]))
  }

  #checked(vectors: readonly Vector[], count: number): readonly Vector[] {
    const { dims } = this.#index
    if (vectors.length === count && vectors.every(({ length }) => length === dims)) return vectors
    const message = `the model must answer ${count} embeddings of ${dims} numbers; \`index.dims\` says how many`
    throw new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'embedding' })
  }
}
