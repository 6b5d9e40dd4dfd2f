/** Keeps what the server answers up to date while a page is looked at. How it is asked is decided in ask-server.ts. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type AskError, ask, type Parameters } from './ask-server.ts'

export interface Answered<T> {
  /** The latest, also while newer ones fail. */
  readonly answer: T | undefined
  readonly error: AskError | undefined
  readonly isLoading: boolean
  readonly reload: () => void
}

/** What fails by itself may be over by itself: then it is asked again without `every` too. */
const RETRY_MS = 3_000

/**
 * @param route undefined where there is nothing to ask.
 * @param every milliseconds until it is asked again, while the page is to be seen.
 */
export function useAnswer<T>(route: string | undefined, parameters: Parameters = {}, every?: number): Answered<T> {
  const [state, setState] = useState<{ of: string; answer?: T; error?: AskError }>({ of: '' })
  const [isLoading, setLoading] = useState(true)
  const asked = route === undefined ? '' : `${route} ${JSON.stringify(parameters)}`
  const running = useRef<AbortController | undefined>(undefined)

  const load = useCallback(async () => {
    if (route === undefined) return
    running.current?.abort()
    const own = new AbortController()
    running.current = own
    setLoading(true)
    try {
      const answer = await ask<T>(route, parameters, own.signal)
      if (running.current === own) setState({ of: asked, answer })
    } catch (error) {
      if (running.current === own) setState((known) => ({ ...known, of: asked, error: error as AskError }))
    }
    if (running.current !== own) return
    running.current = undefined
    setLoading(false)
  }, [asked])

  useEffect(() => {
    void load()
    return () => {
      running.current?.abort()
      running.current = undefined
    }
  }, [load])

  const isOfNow = state.of === asked
  const again = every ?? (isOfNow && mayPass(state.error) ? RETRY_MS : undefined)
  useEffect(() => {
    if (again === undefined) return undefined
    const timer = setInterval(() => {
      if (!document.hidden && running.current === undefined) void load()
    }, again)
    return () => clearInterval(timer)
  }, [load, again])

  return { answer: state.answer, error: isOfNow ? state.error : undefined, isLoading, reload: () => void load() }
}

/** No answer, or none that the server could give; what it refused stays refused. */
function mayPass(error: AskError | undefined): boolean {
  return error !== undefined && (error.status === 0 || error.status >= 500)
}
