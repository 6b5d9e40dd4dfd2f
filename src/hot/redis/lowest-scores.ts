interface Scored {
  readonly name: string
  readonly score: number
}

/** Up to `count` items of a sorted list, from `offset` on. */
export interface Page {
  readonly list: number
  readonly offset: number
  readonly count: number
}

/** Returns pages of several lists, lowest score first. */
export type ReadPages = (pages: readonly Page[]) => Promise<readonly (readonly Scored[])[]>

/**
 * The `limit` names with the lowest scores over several sorted lists, lowest first. Reads from each list only what may
 * be among them: of one list the answer, of several that are alike about twice the answer, and page by page more of one
 * that holds most.
 */
export async function lowestScores(lists: number, limit: number, readPages: ReadPages): Promise<string[]> {
  if (limit <= 0) return []
  if (lists === 1) return (await readPages([{ list: 0, offset: 0, count: limit }]))[0]!.map(({ name }) => name)
  const count = Math.max(4, Math.ceil((2 * limit) / lists))
  const found = new Map<string, Scored>()
  const sorted = (): Scored[] => [...found.values()].sort((a, b) => a.score - b.score)
  let open = Array.from({ length: lists }, (_, list) => ({ list, offset: 0 }))
  while (open.length > 0) {
    const pages = await readPages(open.map((page) => ({ ...page, count })))
    for (const item of pages.flat()) found.set(item.name, item)
    // A list goes on being read while its next item may still come before the last that counts.
    const worst = sorted()[limit - 1]?.score ?? Number.POSITIVE_INFINITY
    open = open
      .filter((_, i) => pages[i]!.length === count && pages[i]!.at(-1)!.score < worst)
      .map(({ list, offset }) => ({ list, offset: offset + count }))
  }
  return sorted()
    .slice(0, limit)
    .map(({ name }) => name)
}
