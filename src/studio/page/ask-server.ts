/**
 * Asks the studio's server, with the token. The token comes with the address, behind #, which browsers send to nobody;
 * it is kept for this tab. Where the studio has a host of its own, another tab hands it on when it is asked; below a
 * path of an application none does, for any page of that application may ask.
 */
import type { ErrorAnswer } from '../answers.ts'

const KEPT_AS = `thermocline-studio-token ${location.pathname}`
const tabs = location.pathname === '/' ? new BroadcastChannel('thermocline-studio') : undefined

/** What the server refused, or that it does not answer: `status` is 0 then. */
export class AskError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** Takes the token out of the address, where people may copy it from. One that is there replaces the one before. */
export function takeToken(): void {
  const [, token] = /[#&]token=([^&]+)/.exec(location.hash) ?? []
  if (token !== undefined) {
    sessionStorage.setItem(KEPT_AS, token)
    history.replaceState(null, '', `${location.pathname}#/overview`)
  }
}

/** Asks other tabs for the token, and tells it to those that ask. */
export function shareToken(): void {
  tabs?.addEventListener('message', ({ data }: MessageEvent<{ asked?: true; token?: string }>) => {
    const known = sessionStorage.getItem(KEPT_AS)
    if (data.asked && known !== null) tabs?.postMessage({ token: known })
    if (data.token !== undefined && known === null) keepToken(data.token)
  })
  if (!hasToken()) tabs?.postMessage({ asked: true })
}

export function hasToken(): boolean {
  return sessionStorage.getItem(KEPT_AS) !== null
}

/** Takes a token, or a whole address that ends with one. */
export function keepToken(text: string): void {
  sessionStorage.setItem(KEPT_AS, text.trim().replace(/^.*#token=/, ''))
  dispatchEvent(new Event('token'))
}

/** What is undefined or empty is left out. */
export type Parameters = Readonly<Record<string, string | undefined>>

export function ask<T>(route: string, parameters: Parameters = {}, signal: AbortSignal | null = null): Promise<T> {
  const given = Object.entries(parameters).flatMap(([name, value]) => (value ? [[name, value]] : []))
  return fetched<T>(given.length === 0 ? `api/${route}` : `api/${route}?${new URLSearchParams(given)}`, { signal })
}

export function change<T>(route: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  return fetched<T>(`api/${route}`, { method: 'POST', body: JSON.stringify(body), headers })
}

async function fetched<T>(path: string, init: RequestInit): Promise<T> {
  const authorization = `Bearer ${sessionStorage.getItem(KEPT_AS) ?? ''}`
  let response: Response
  try {
    response = await fetch(path, { ...init, headers: { ...init.headers, authorization } })
  } catch {
    throw new AskError(0, 'NO_ANSWER', 'the studio does not answer: it may have been ended')
  }
  let answer: unknown
  try {
    answer = await response.json()
  } catch {
    // Of a proxy before the studio, or of a fault of the studio itself, which says no more.
    throw new AskError(response.status, `HTTP_${response.status}`, 'what the studio answered could not be read')
  }
  if (response.ok) return answer as T
  const { code, message } = (answer as ErrorAnswer).error
  throw new AskError(response.status, code, message)
}
