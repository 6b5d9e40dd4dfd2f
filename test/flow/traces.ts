/** Where something that was stored can still be found, byte by byte. */
import { randomBytes } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type postgres from 'postgres'

export type Needles = readonly (string | Buffer)[]

/** A text that is nowhere else, and does not compress. */
export function canaryOf(): string {
  return `k${randomBytes(12).toString('hex')}`
}

/** A vector whose bytes are nowhere else. */
export function canaryVector(dimensions: number): Float32Array {
  return Float32Array.from({ length: dimensions }, () => randomBytes(2).readUInt16LE() / 7 + 1)
}

/** Paths of the files below a folder that hold one of these. */
export async function filesWith(dir: string, needles: Needles): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(dir)) {
    const path = join(dir, name)
    const info = await stat(path)
    if (info.isDirectory()) found.push(...(await filesWith(path, needles)))
    else if (info.isFile() && holds(await readFile(path), needles)) found.push(path)
  }
  return found
}

/** Names of Redis's keys that are, or hold, one of these. */
export async function keysWith(url: string, needles: Needles): Promise<string[]> {
  const client = new Redis(url)
  try {
    const found: string[] = []
    for (let cursor = '0'; ; ) {
      const [next, keys] = await client.scanBuffer(cursor)
      for (const key of keys) {
        if (holds(Buffer.concat([key, ...(await contentOf(client, key))]), needles)) found.push(key.toString())
      }
      cursor = next.toString()
      if (cursor === '0') return found
    }
  } finally {
    await client.quit()
  }
}

/** DUMP may compress what it answers. */
async function contentOf(client: Redis, key: Buffer): Promise<Buffer[]> {
  switch (await client.type(key)) {
    case 'string':
      return [(await client.getBuffer(key)) ?? Buffer.alloc(0)]
    case 'zset':
      return client.zrangeBuffer(key, '0', '-1')
    case 'hash':
      return Object.entries(await client.hgetallBuffer(key)).flatMap(([name, value]) => [Buffer.from(name), value])
    case 'none':
      return []
    default:
      throw new Error(`no entry was ever kept in a key such as ${key}`)
  }
}

/** Tables of the schema with a row that holds the text, and those whose statistics do. */
export async function tablesWith(sql: postgres.Sql, needle: string): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.tables
    WHERE table_schema = 'thermocline' AND table_type = 'BASE TABLE'`
  const found: string[] = []
  for (const { name } of tables) {
    const [row] = await sql`
      SELECT count(*)::int AS n FROM ${sql(`thermocline.${name}`)} t
      WHERE strpos(to_jsonb(t)::text, ${needle}) > 0
        OR strpos(to_jsonb(t)::text, ${Buffer.from(needle).toString('hex')}) > 0`
    if (row!.n > 0) found.push(name)
  }
  const stats = await sql`SELECT tablename FROM pg_stats WHERE strpos(most_common_vals::text, ${needle}) > 0
    OR strpos(histogram_bounds::text, ${needle}) > 0`
  return [...found, ...stats.map(({ tablename }) => `statistics of ${tablename}`)]
}

function holds(bytes: Buffer, needles: Needles): boolean {
  return needles.some((needle) => bytes.includes(needle))
}
