/** Lists dead letters for the page, and checks which are chosen. What a retry may overwrite is the store's to say. */
import type { DeadLetter, MemoryStore } from '../index.ts'
import type { DeadLetterRow, DeadLettersAnswer } from './answers.ts'
import { Refusal } from './refusal.ts'
import type { RequestInput } from './request-input.ts'

const PAGE = 25
const MOST_LETTERS = 100
/** Of a text; a letter may hold megabytes of it. */
const MOST_CHARACTERS = 10_000

export async function lettersAnswer(
  store: MemoryStore,
  input: RequestInput,
  signal: AbortSignal,
): Promise<DeadLettersAnswer> {
  const asked = { cursor: input.optionalText('cursor'), content: input.flag('content'), signal }
  const limit = Math.min(input.number('limit') ?? PAGE, MOST_LETTERS)
  const { items, nextCursor } = await store.deadLetters({ limit, ...asked })
  return { items: items.map(letterRow), nextCursor }
}

function letterRow({ content, refusedAt, ...letter }: DeadLetter): DeadLetterRow {
  const { letter: name, namespace, id, key, kind, reason, bytes } = letter
  const said = content && { text: cut(content.text), metadata: cut(content.metadata) }
  return { letter: name, namespace, id, key, kind, reason, bytes, refusedAt: refusedAt.getTime(), ...said }
}

function cut(text: string | null | undefined): string | undefined {
  if (text === null || text === undefined || text.length <= MOST_CHARACTERS) return text ?? undefined
  return `${text.slice(0, MOST_CHARACTERS - 1)}…`
}

/** Names of letters; never all at once, for the page shows a part of them. */
export function chosenLetters(input: RequestInput): readonly string[] {
  const letters = input.json('letters')
  if (Array.isArray(letters) && letters.every((letter) => typeof letter === 'string')) return letters
  throw new Refusal(400, 'INVALID_INPUT', '`letters` must be a list of letters, as `dead-letters` names them')
}
