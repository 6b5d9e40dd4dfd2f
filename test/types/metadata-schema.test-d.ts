/** What a schema of metadata makes of types. See {@link ./inputs.test-d.ts} for how this is checked. */
import { type } from 'arktype'
import * as v from 'valibot'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import type {
  ChunkRepository,
  MemoryRepository,
  MemoryStore,
  RaptorRepository,
  StandardSchema,
} from '../../src/index.ts'

declare const store: MemoryStore
const schema = z.object({
  tenant: z.string(),
  level: z.enum(['low', 'high']),
  author: z.object({ name: z.string(), age: z.number().optional() }).optional(),
  tags: z.array(z.string()),
  stars: z.number().default(0),
})
const chunks = store.chunks.withMetadata(schema)

const trees = store.raptorNodes.withMetadata(schema)
const any = store.entries.withMetadata(schema)

// What a repository has, one with a schema has as well.
expectTypeOf<Exclude<keyof MemoryRepository, keyof typeof any>>().toEqualTypeOf<'withMetadata'>()
expectTypeOf<Exclude<keyof ChunkRepository, keyof typeof chunks>>().toEqualTypeOf<'withMetadata'>()
expectTypeOf<Exclude<keyof RaptorRepository, keyof typeof trees>>().toEqualTypeOf<'withMetadata'>()

const metadata = { tenant: 'a', level: 'low', tags: [] } as const

export async function written(): Promise<void> {
  await chunks.put({ text: 'a', metadata: { ...metadata, tags: [] } })
  // @ts-expect-error a tenant is a text
  await chunks.put({ text: 'a', metadata: { ...metadata, tags: [], tenant: 1 } })
  // @ts-expect-error it is required
  await chunks.put({ text: 'a' })
  const entry = await chunks.get('id')
  expectTypeOf(entry!.metadata.tenant).toEqualTypeOf<string>()
  expectTypeOf(entry!.metadata.stars).toEqualTypeOf<number>()
  expectTypeOf(entry!.text).toEqualTypeOf<string>()
}

export async function asked(): Promise<void> {
  const { items } = await chunks.find({
    where: {
      'metadata.tenant': 'a',
      'metadata.author.name': { startsWith: 'a', in: ['a'] },
      'metadata.level': { ne: 'low' },
      'metadata.tags': { contains: 'a' },
      'metadata.stars': { gte: 1 },
      or: [{ 'metadata.author.age': 1, position: 1 }],
    },
    select: ['metadata'],
  })
  expectTypeOf(items[0]!.metadata.level).toEqualTypeOf<'low' | 'high'>()
  const { hits } = await chunks.search({ text: 'a', where: { not: { 'metadata.tenant': 'a' } } })
  expectTypeOf(hits[0]!.entry.metadata.tenant).toEqualTypeOf<string>()
  // @ts-expect-error a tenant is a text
  await chunks.find({ where: { 'metadata.tenant': 1 } })
  // @ts-expect-error at any depth
  await chunks.find({ where: { or: [{ 'metadata.author.age': 'a' }] } })
  // @ts-expect-error there is no such member
  await chunks.count({ where: { 'metadata.nobody': 1 } })
  // @ts-expect-error a level is one of two
  await chunks.deleteWhere({ 'metadata.level': 'middle' })
  // @ts-expect-error a number begins with nothing
  await chunks.updateWhere({ 'metadata.stars': { startsWith: '1' } }, { text: 'a' })
}

export async function ordered(): Promise<void> {
  await chunks.find({ orderBy: { 'metadata.stars': 'desc', createdAt: 'asc' } })
  await chunks.find({ orderBy: 'metadata.author.age', select: ['text'] })
  await chunks.find({ orderBy: ['metadata.tenant', { 'metadata.level': 'asc' }] })
  chunks.findAll({ orderBy: ['position'] })
  await chunks.prefetch({ 'metadata.level': 'low' }, { orderBy: { 'metadata.stars': 'desc' }, limit: 1 })
  // @ts-expect-error there is no such member
  await chunks.find({ orderBy: { 'metadata.star': 'desc' } })
  // @ts-expect-error by itself
  await chunks.find({ orderBy: 'metadata.star' })
  // @ts-expect-error among others
  await chunks.find({ orderBy: ['createdAt', { 'metadata.author.nobody': 'asc' }] })
  // @ts-expect-error nor where all of them are read
  chunks.findAll({ orderBy: { 'metadata.star': 'desc' } })
  // @ts-expect-error nor where they are moved
  await any.prefetch({}, { orderBy: { 'metadata.star': 'desc' } })
  // @ts-expect-error lists have no order of their own
  await chunks.find({ orderBy: 'children' })
}

declare const optional: StandardSchema<{ a: number } | undefined, { a: number } | undefined>
export async function optionally(): Promise<void> {
  const nodes = store.raptorNodes.withMetadata(optional)
  await nodes.put({ level: 1, summary: 'a', children: [] })
  expectTypeOf((await nodes.get('id'))!.metadata).toEqualTypeOf<{ a: number } | undefined>()
}

export async function changed(): Promise<void> {
  await chunks.update('id', { text: 'a', metadata: { tenant: 'b', author: { age: null }, stars: null } })
  await chunks.update('id', { metadata: null })
  await chunks.updateWhere({ 'metadata.level': 'low' }, { metadata: { level: 'high' } })
  // @ts-expect-error a tenant is a text
  await chunks.update('id', { metadata: { tenant: 1 } })
  // @ts-expect-error at any depth
  await chunks.updateWhere({}, { metadata: { author: { name: 1 } } })
  // @ts-expect-error there is no such member
  await chunks.update('id', { metadata: { nobody: 1 } })
  // @ts-expect-error a chunk has no level of its own
  await chunks.update('id', { level: 1 })
}

export async function ofDocuments(): Promise<void> {
  const { items } = await chunks.ofDocument('d')
  expectTypeOf(items[0]!.metadata.tenant).toEqualTypeOf<string>()
  await chunks.documents({ where: { 'metadata.tenant': 'a' } })
  await chunks.replaceDocument('d', [{ text: 'a', metadata: { ...metadata, tags: [] } }])
  // @ts-expect-error a tenant is a text
  await chunks.documents({ where: { 'metadata.tenant': 1 } })
  // @ts-expect-error metadata is required
  await chunks.replaceDocument('d', [{ text: 'a' }])
  const nodes = await trees.roots({ select: ['metadata'] })
  expectTypeOf(nodes.items[0]!.metadata.stars).toEqualTypeOf<number>()
}

const ofValibot = store.chunks.withMetadata(
  v.object({
    tenant: v.string(),
    author: v.optional(v.object({ name: v.string() })),
    stars: v.optional(v.number(), 0),
  }),
)
export async function byValibot(): Promise<void> {
  await ofValibot.put({ text: 'a', metadata: { tenant: 'a' } })
  // @ts-expect-error a tenant is a text
  await ofValibot.put({ text: 'a', metadata: { tenant: 1 } })
  const entry = await ofValibot.get('id')
  expectTypeOf(entry!.metadata.tenant).toEqualTypeOf<string>()
  expectTypeOf(entry!.metadata.stars).toEqualTypeOf<number>()
  expectTypeOf(entry!.metadata.author?.name).toEqualTypeOf<string | undefined>()
  await ofValibot.find({ where: { 'metadata.author.name': 'a', 'metadata.stars': { gte: 1 } } })
  // @ts-expect-error stars are numbers
  await ofValibot.find({ where: { 'metadata.stars': 'a' } })
  await ofValibot.update('id', { metadata: { author: { name: 'b' }, stars: null } })
  // @ts-expect-error there is no such member
  await ofValibot.update('id', { metadata: { nobody: 1 } })
}

const ofArktype = store.chunks.withMetadata(
  type({ tenant: 'string.trim', 'author?': { name: 'string' }, stars: 'number.integer = 0' }),
)
export async function byArktype(): Promise<void> {
  await ofArktype.put({ text: 'a', metadata: { tenant: 'a' } })
  // @ts-expect-error a tenant is a text
  await ofArktype.put({ text: 'a', metadata: { tenant: 1 } })
  const entry = await ofArktype.get('id')
  expectTypeOf(entry!.metadata.tenant).toEqualTypeOf<string>()
  expectTypeOf(entry!.metadata.stars).toEqualTypeOf<number>()
  expectTypeOf(entry!.metadata.author?.name).toEqualTypeOf<string | undefined>()
  await ofArktype.find({ where: { 'metadata.author.name': 'a', 'metadata.stars': { gte: 1 } } })
  // @ts-expect-error stars are numbers
  await ofArktype.find({ where: { 'metadata.stars': 'a' } })
  await ofArktype.update('id', { metadata: { author: { name: 'b' }, stars: null } })
  // @ts-expect-error there is no such member
  await ofArktype.update('id', { metadata: { nobody: 1 } })
}
