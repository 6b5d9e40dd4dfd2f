/**
 * Asks the studio's server, with the token. The token comes with the address, behind #, which browsers send to nobody;
 * it is kept for this tab, and another tab of the studio that is asked for it hands it on.
 */
import type { ErrorAnswer } from '../answers.ts'

const KEPT_AS = 'thermocline-studio-token'
const tabs = new BroadcastChannel('thermocline-studio')

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

/** Takes the token out of the address, where people may copy it from. */
export function takeToken(): void {
  const [, token] = /[#&]token=([^&]+)/.exec(location.hash) ?? []
  if (token !== undefined) {
    sessionStorage.setItem(KEPT_AS, token)
    history.replaceState(null, '', `${location.pathname}#/overview`)
  }
  tabs.addEventListener('message', ({ data }: MessageEvent<{ asked?: true; token?: string }>) => {
    const known = sessionStorage.getItem(KEPT_AS)
    if (data.asked && known !== null) tabs.postMessage({ token: known })
    if (data.token !== undefined && known === null) useToken(data.token)
  })
  if (!hasToken()) tabs.postMessage({ asked: true })
}

export function hasToken(): boolean {
  return sessionStorage.getItem(KEPT_AS) !== null
}

/** Takes a token, or a whole address that ends with one. */
export function useToken(text: string): void {
  sessionStorage.setItem(KEPT_AS, text.trim().replace(/^.*#token=/, ''))
  dispatchEvent(new Event('token'))
}

export function ask<T>(route: string, parameters: Readonly<Record<string, string | undefined>> = {}): Promise<T> {
  const given = Object.entries(parameters).flatMap(([name, value]) => (value ? [[name, value]] : []))
  return fetched<T>(given.length === 0 ? `api/${route}` : `api/${route}?${new URLSearchParams(given)}`, {})
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
  const answer: unknown = await response.json()
  if (response.ok) return answer as T
  const { code, message } = (answer as ErrorAnswer).error
  throw new AskError(response.status, code, message)
}
