/** Checks the chunks that a caller gives for a document. */
import type { EntryInput } from '../entry/memory-entry.ts'
import { type UnversionedRecord, validateEmbedding, validateInput } from '../entry/validate.ts'
import { isThermoclineError, retold, ThermoclineError } from '../errors.ts'
import { CallersError, callersOwn } from '../flow/callers-error.ts'
import type { WantedChunk } from '../flow/document-plan.ts'
import type { Embed } from '../flow/document-writer.ts'
import type { Clock } from '../kernel/clock.ts'
import { isPlainObject } from '../kernel/plain-object.ts'
import { acceptInputs } from './batch.ts'
import type { EmbedTexts } from './calls.ts'
import { hasChosenId } from './kind-conflict.ts'

export interface DocumentContext {
  readonly namespace: string
  readonly documentId: string
  /** Of chunks that name none. */
  readonly embeddingModel: string | undefined
  /** Of those that have no vector: the store makes it. */
  readonly ownModel: string | undefined
  readonly clock: Clock
  /** Throws where the entry may not take the place of what is there. */
  readonly refuse: (record: UnversionedRecord) => void
  /** Throws where its vector cannot be of the model of the store that it names. */
  readonly refuseUnfit: (record: UnversionedRecord) => void
  readonly signal: AbortSignal | undefined
}

/** Makes an error of the caller's own an answer: the gate takes what is thrown for a fault of the store. */
export function pastGate(error: unknown): CallersError {
  if (error instanceof CallersError) return error
  throw error
}

/** Settles as a call through the gate does, and throws the caller's own error as it was. */
export async function passingErrors<T>(call: Promise<T | CallersError>): Promise<T> {
  const answer = await call
  if (answer instanceof CallersError) throw answer.error
  return answer
}

/** In order. A chunk stands at its place in the list where it names no position. */
export async function wantedChunks(inputs: readonly unknown[], context: DocumentContext): Promise<WantedChunk[]> {
  const wanted: WantedChunk[] = []
  const places = new Map<string, number>()
  const validate = (input: unknown, index: number): UnversionedRecord => {
    const record = validateChunk(input, index, context)
    const isNamed = hasChosenId(input)
    context.refuseUnfit(record)
    if (isNamed) {
      context.refuse(record)
      const same = places.get(record.id)
      if (same !== undefined) throw invalid(`has the id or key of chunk ${same}`, 'id')
      places.set(record.id, index)
    }
    wanted.push({ record, isNamed, isDated: (input as EntryInput).createdAt !== undefined })
    return record
  }
  const refuse = (error: ThermoclineError, index: number): never => {
    throw retold(error, { ...error.details, index }, `chunk ${index}: ${error.message}`)
  }
  await acceptInputs(inputs, validate, refuse, context.signal)
  return wanted
}

function validateChunk(input: unknown, index: number, context: DocumentContext): UnversionedRecord {
  const { namespace, documentId, embeddingModel, ownModel, clock } = context
  const now = clock.now()
  // What the schema refused.
  if (input instanceof ThermoclineError) throw input
  if (!isPlainObject(input)) return validateInput(input, { namespace, kind: 'chunk', now })
  const { documentId: given = documentId, position = index, embeddingModel: named = embeddingModel } = input
  const model = input.embedding === undefined && ownModel !== undefined ? ownModel : named
  if (given !== documentId) throw invalid('`documentId` is that of another document: leave it out', 'documentId')
  const whole = { ...input, documentId, position, ...(model === undefined ? {} : { embeddingModel: model }) }
  return validateInput(whole, { namespace, kind: 'chunk', now })
}

/** The caller's function, with what it answers checked. */
export function checkedEmbed(embed: EmbedTexts): Embed {
  return async (texts, { signal }) => {
    const answer: unknown = await callersOwn(() => embed([...texts], { signal }))
    if (!Array.isArray(answer)) throw invalid('`embed` must answer an array of embeddings', 'embed')
    return Array.from(answer, (vector: unknown) => {
      try {
        return validateEmbedding(vector)
      } catch (error) {
        if (!isThermoclineError(error)) throw error
        throw invalid(`what \`embed\` answered is no embedding: ${error.message}`, 'embed')
      }
    })
  }
}

function invalid(message: string, field: string): ThermoclineError<'ERR_INVALID_ENTRY'> {
  return new ThermoclineError('ERR_INVALID_ENTRY', message, { field })
}
