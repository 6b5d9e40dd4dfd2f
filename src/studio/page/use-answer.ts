/** Keeps what the server answers up to date while a page is looked at. How it is asked is decided in ask-server.ts. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type AskError, ask } from './ask-server.ts'

export interface Answered<T> {
  /** The latest, also while newer ones fail. */
  readonly answer: T | undefined
  readonly error: AskError | undefined
  readonly isLoading: boolean
  readonly reload: () => void
}

type Parameters = Readonly<Record<string, string | undefined>>

/**
 * @param route undefined where there is nothing to ask.
 * @param every milliseconds until it is asked again, while the page is to be seen.
 */
export function useAnswer<T>(route: string | undefined, parameters: Parameters = {}, every?: number): Answered<T> {
  const [state, setState] = useState<{ of: string; answer?: T; error?: AskError }>({ of: '' })
  const [isLoading, setLoading] = useState(true)
  const asked = route === undefined ? '' : `${route} ${JSON.stringify(parameters)}`
  const newest = useRef('')
  newest.current = asked

  const load = useCallback(async () => {
    if (route === undefined) return
    setLoading(true)
    try {
      const answer = await ask<T>(route, parameters)
      if (newest.current === asked) setState({ of: asked, answer })
    } catch (error) {
      if (newest.current === asked) setState((known) => ({ ...known, of: asked, error: error as AskError }))
    }
    if (newest.current === asked) setLoading(false)
  }, [asked])

  useEffect(() => {
    void load()
    if (every === undefined) return undefined
    const timer = setInterval(() => {
      if (!document.hidden) void load()
    }, every)
    return () => clearInterval(timer)
  }, [load, every])

  const isOfNow = state.of === asked
  return { answer: state.answer, error: isOfNow ? state.error : undefined, isLoading, reload: () => void load() }
}
