/** Defines what the tools of a model take. The descriptions are for the model, and say when to give what. */
import { z } from 'zod'

/** Characters that a search of the store takes. */
const LONGEST_QUERY = 4_000
const text = (what: string) => z.string().min(1).max(20_000).describe(what)
const tags = (what: string) => z.array(z.string().min(1).max(100)).max(20).optional().describe(what)
const limit = (most: number, usual: number) =>
  z.number().int().min(1).max(most).default(usual).describe(`At most so many, 1 to ${most}.`)
const id = z.string().min(1).max(512).describe('The id of the memory, or the key that it was given.')

const KEY =
  'A short name, as "diet", for what there is one of and what changes: what had it is replaced. Else leave it out.'
const LASTS = 'For how long, as "12h" or "30d", where it will be of no use afterwards. Else it is kept for good.'

export const INPUTS = {
  remember: z.strictObject({
    text: text(
      'One fact, whole in itself: names in place of "he" or "yesterday", who said it, and when if that matters.',
    ),
    key: z.string().min(1).max(512).optional().describe(KEY),
    tags: tags('Subjects by which it can be found again, such as the person, the project or "preference".'),
    lasts: z.string().optional().describe(LASTS),
  }),
  recall: z.strictObject({
    query: z
      .string()
      .min(1)
      .max(LONGEST_QUERY)
      .describe('What you want to know, in the words that a memory of it would use.'),
    tags: tags('Only memories that have all of these.'),
    limit: limit(50, 8),
  }),
  get: z.strictObject({
    id,
    from: z.number().int().min(0).optional().describe('Where one was shown in part: how many characters you have.'),
  }),
  update: z.strictObject({
    id,
    text: text('The whole text as it is from now on.').optional(),
    tags: tags('All of its tags as they are from now on.'),
  }),
  forget: z.strictObject({ id }),
  list: z.strictObject({
    tags: tags('Only memories that have all of these.'),
    limit: limit(100, 20),
    cursor: z.string().optional().describe('The `nextCursor` of the page before, with the same tags.'),
  }),
}

export type Remembering = z.output<typeof INPUTS.remember>
export type Recalling = z.output<typeof INPUTS.recall>
export type Identified = z.output<typeof INPUTS.forget>
export type Reading = z.output<typeof INPUTS.get>
export type Updating = z.output<typeof INPUTS.update>
export type Listing = z.output<typeof INPUTS.list>
