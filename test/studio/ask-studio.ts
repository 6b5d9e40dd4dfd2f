/** Asks a studio by plain requests, as its page does. */
import type { MemoryStore } from '../../src/index.ts'
import { type StudioHandler, type StudioOptions, studio } from '../../src/studio/studio.ts'

export const TOKEN = 'a-token-of-the-tests'
export const ORIGIN = 'http://127.0.0.1:4983'

export interface Answer {
  readonly status: number
  // What a test expects of it is what it looks at.
  // biome-ignore lint/suspicious/noExplicitAny: JSON of many routes
  readonly body: any
}

export class AskedStudio {
  readonly handler: StudioHandler

  constructor(store: MemoryStore, options: Partial<StudioOptions> = {}) {
    this.handler = studio(store, { token: TOKEN, ...options })
  }

  request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${TOKEN}`, ...(init.headers as Record<string, string>) }
    return this.handler(new Request(new URL(path, ORIGIN), { ...init, headers }))
  }

  async get(route: string, parameters: Record<string, string> = {}): Promise<Answer> {
    const response = await this.request(`/api/${route}?${new URLSearchParams(parameters)}`)
    return { status: response.status, body: await response.json() }
  }

  async post(route: string, body: object, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await this.request(`/api/${route}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', origin: ORIGIN, ...headers },
    })
    return { status: response.status, body: await response.json() }
  }
}
