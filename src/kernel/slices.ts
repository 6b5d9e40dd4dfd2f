/** Cuts a long list into slices of at most `length` items, so that what one call asks of a tier has a bounded cost. */
export function* slices<T>(all: readonly T[], length: number): Generator<readonly T[], void, undefined> {
  for (let from = 0; from < all.length; from += length) yield all.slice(from, from + length)
}
