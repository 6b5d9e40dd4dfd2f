/** Decides which page the address names: `#/browse?namespace=…`. What a page makes of its parameters is its own. */

export interface HashRoute {
  readonly page: string
  readonly parameters: Readonly<Record<string, string>>
}

export function routeOf(hash: string): HashRoute {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  return { page: path === '' ? 'overview' : path, parameters: Object.fromEntries(new URLSearchParams(query)) }
}

/** Leaves out what is empty. */
export function hashOf(page: string, parameters: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(parameters).flatMap(([name, value]): [string, string][] =>
    value ? [[name, value]] : [],
  )
  const query = new URLSearchParams(given).toString()
  return `#/${page}${query === '' ? '' : `?${query}`}`
}
