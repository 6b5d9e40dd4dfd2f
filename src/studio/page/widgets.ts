/** Defines the small parts that pages are made of. What an entry holds goes into them as text, never as HTML. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Standing } from '../answers.ts'
import type { AskError } from './ask-server.ts'
import { hashOf } from './hash-route.ts'

/** Focused when the page opens, so that who hears the page hears where they are. */
export function PageHead(props: { title: string; children?: ComponentChildren }): VNode {
  const head = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${props.title} · thermocline studio`
    head.current?.focus({ preventScroll: true })
  }, [props.title])
  return html`<header class="page-head">
    <h1 ref=${head} tabindex="-1">${props.title}</h1>
    <div class="page-actions">${props.children}</div>
  </header>`
}

export function Card(props: {
  title?: string
  aside?: ComponentChildren
  children: ComponentChildren
  wide?: boolean
}): VNode {
  return html`<section class=${props.wide ? 'card wide' : 'card'}>
    ${props.title && html`<div class="card-head"><h2>${props.title}</h2><span class="dim">${props.aside}</span></div>`}
    ${props.children}
  </section>`
}

export function Figure(props: { label: string; value: string; note?: string; tone?: 'bad' | undefined }): VNode {
  return html`<div class="figure">
    <div class="figure-label">${props.label}</div>
    <div class=${`figure-value ${props.tone ?? ''}`}>${props.value}</div>
    ${props.note && html`<div class="figure-note">${props.note}</div>`}
  </div>`
}

/** What was refused or does not answer; with `tone` `info` something that people only need to know. */
export function Notice(props: { tone: 'bad' | 'warning' | 'info' | 'good'; children: ComponentChildren }): VNode {
  return html`<div class=${`notice ${props.tone}`}
    role=${props.tone === 'bad' ? 'alert' : 'status'}>${props.children}</div>`
}

export function ErrorNotice({ error }: { error: AskError | undefined }): VNode | null {
  if (error === undefined || error.status === 0) return null
  return html`<${Notice} tone="bad"><strong>${error.code}</strong> ${error.message}<//>`
}

/** Until the first answer is there, or in place of it. */
export function Reading({ error }: { error: AskError | undefined }): VNode {
  return error === undefined ? html`<${Empty}>Reading …<//>` : html`<${ErrorNotice} error=${error} />`
}

export function Empty({ children }: { children: ComponentChildren }): VNode {
  return html`<p class="empty">${children}</p>`
}

/** What stands between backticks is to be typed. */
export function withCode(text: string): ComponentChildren {
  return text.split('`').map((part, nth) => (nth % 2 === 0 ? part : html`<code>${part}</code>`))
}

export function KindTag({ kind }: { kind: string }): VNode {
  return html`<span class=${`tag kind-${kind}`}>${kind}</span>`
}

const STANDING_TEXT: Readonly<Record<Standing, string>> = {
  current: 'has the newest version',
  older: 'has an older version',
  deleted: 'has a tombstone',
  expired: 'has it, expired',
  none: 'does not have it',
  unknown: 'does not answer',
}

/** A tier, filled where it has the newest version. */
export function TierTag({ tier, standing }: { tier: string; standing: Standing }): VNode | null {
  if (standing === 'none') return null
  const text = `${tier} ${STANDING_TEXT[standing]}`
  return html`<span class=${`tag tier-${tier} ${standing}`} title=${text} aria-label=${text}>${tier}</span>`
}

export function standingText(standing: Standing): string {
  return STANDING_TEXT[standing]
}

export function EntryLink(props: { namespace: string; id: string; children: ComponentChildren }): VNode {
  const { namespace, id } = props
  return html`<a class="entry-link" href=${hashOf('entry', { namespace, id })}>${props.children}</a>`
}

export function CopyButton({ text, label }: { text: string; label: string }): VNode {
  const [isCopied, setCopied] = useState(false)
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
    setTimeout(() => setCopied(false), 1_500)
  }
  return html`<button type="button" class="plain" aria-label=${label} onClick=${copy}>
    ${isCopied ? 'copied' : 'copy'}
  </button>`
}

interface DialogProps {
  title: string
  onClose: () => void
  children: ComponentChildren
}

/** Above the page, until it is answered or Esc is pressed. */
export function Dialog({ title, onClose, children }: DialogProps): VNode {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return html`<dialog ref=${dialog} aria-label=${title} onClose=${onClose}>
    <h2>${title}</h2>
    ${children}
  </dialog>`
}
