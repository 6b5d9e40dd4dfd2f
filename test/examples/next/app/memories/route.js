/** Memories of a person: POST keeps one, GET finds those whose words fit best. */
import { openedStore } from './opened-store.js'

export async function POST(request) {
  const { person, text } = await request.json()
  const store = await openedStore()
  const { id } = await store.namespace('person', person).chunks.put({ text })
  return Response.json({ id }, { status: 201 })
}

export async function GET(request) {
  const { person, q } = Object.fromEntries(request.nextUrl.searchParams)
  const store = await openedStore()
  const { hits } = await store.namespace('person', person).chunks.search({ text: q, k: 5 })
  return Response.json(hits.map(({ entry }) => entry.text))
}
