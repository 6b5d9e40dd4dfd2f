/** Starts the studio's page: takes the token from the address, and shows the page that the rest of it names. */
import { html, render } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { OverviewAnswer } from '../answers.ts'
import { hasToken, keepToken, shareToken, takeToken } from './ask-server.ts'
import { BrowsePage } from './browse-page.ts'
import { DeadLettersPage } from './dead-letters-page.ts'
import { EntryPage } from './entry-page.ts'
import { type HashRoute, hashOf, routeOf } from './hash-route.ts'
import { listenForKeys } from './keys.ts'
import { LogPage } from './log-page.ts'
import { OverviewPage } from './overview-page.ts'
import type { PageProps } from './page-props.ts'
import { RetentionPage } from './retention-page.ts'
import { Shell } from './shell.ts'
import { SyncPage } from './sync-page.ts'
import { TreePage } from './tree-page.ts'
import { useAnswer } from './use-answer.ts'
import { Empty, PageHead } from './widgets.ts'

const OVERVIEW_EVERY_MS = 2_000

const PAGES: Readonly<Record<string, (props: PageProps) => VNode>> = {
  overview: OverviewPage,
  browse: BrowsePage,
  entry: EntryPage,
  tree: TreePage,
  log: LogPage,
  sync: SyncPage,
  'dead-letters': DeadLettersPage,
  retention: RetentionPage,
}

function App(): VNode {
  const [route, setRoute] = useState<HashRoute>(() => routeOf(location.hash))
  const [isKnown, setKnown] = useState(hasToken)
  useEffect(() => {
    const go = (): void => {
      // The whole address of another studio may be pasted into an open tab: only what stands behind # changes then.
      takeToken()
      setKnown(hasToken())
      setRoute(routeOf(location.hash))
    }
    const know = (): void => setKnown(hasToken())
    addEventListener('hashchange', go)
    addEventListener('token', know)
    // Another tab may have answered before anybody listened here.
    know()
    return () => {
      removeEventListener('hashchange', go)
      removeEventListener('token', know)
    }
  }, [])
  return isKnown ? html`<${Known} route=${route} />` : html`<${AskForToken} />`
}

function Known({ route }: { route: HashRoute }): VNode {
  const { answer, error } = useAnswer<OverviewAnswer>('overview', {}, OVERVIEW_EVERY_MS)
  if (error?.status === 401) return html`<${AskForToken} isWrong />`
  const Page = Object.hasOwn(PAGES, route.page) ? PAGES[route.page]! : NoPage
  // An entry or a tree of another address is another page; lists keep their rows until the next ones are there.
  const key = route.page === 'browse' ? 'browse' : hashOf(route.page, route.parameters)
  return html`<${Shell} page=${route.page} overview=${answer} error=${error}>
    <${Page} key=${key} parameters=${route.parameters} overview=${answer} />
  <//>`
}

function NoPage(): VNode {
  return html`<${PageHead} title="No such page" /><${Empty}>Nothing is at this address. <a
    href="#/overview">Overview</a><//>`
}

function AskForToken({ isWrong = false }: { isWrong?: boolean }): VNode {
  const take = (event: SubmitEvent): void => {
    event.preventDefault()
    keepToken(String(new FormData(event.target as HTMLFormElement).get('token')))
    location.reload()
  }
  return html`<main class="token-page">
    <h1>thermocline studio</h1>
    <p>
      ${isWrong && 'This token is of another studio, or of one that has been ended. '}
      Open the address that the command printed, whole, or paste it here.
    </p>
    <form onSubmit=${take}>
      <label>Address or token <input name="token" required autocomplete="off" autofocus /></label>
      <button type="submit" class="primary">Open</button>
    </form>
  </main>`
}

takeToken()
shareToken()
listenForKeys()
render(html`<${App} />`, document.getElementById('app')!)
