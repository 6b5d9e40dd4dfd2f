/** Edits the text and the metadata of an entry, and saves what differs, in place of the version that was shown. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { EntryContent } from '../answers.ts'
import type { AskError } from './ask-server.ts'
import { hasNewNull, patchOf } from './merge-patch.ts'
import { Dialog, ErrorNotice, Notice } from './widgets.ts'

interface EditorProps {
  entry: EntryContent
  error: AskError | undefined
  onSave: (patch: object, expectedVersion: string) => void
  onClose: () => void
}

export function EntryEditor({ entry, error, onSave, onClose }: EditorProps): VNode {
  // What was shown when it opened: the page behind goes on being read.
  const [shown] = useState(entry)
  const [fault, setFault] = useState<string>()
  const textField = shown.kind === 'raptor' ? 'summary' : 'text'
  const text = shown.text ?? shown.summary
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const given = new FormData(event.target as HTMLFormElement)
    const metadata = parsedMetadata(String(given.get('metadata') ?? ''))
    const patch = metadata instanceof SyntaxError ? {} : patchOf(shown, textField, given.get('text'), metadata.value)
    if (metadata instanceof SyntaxError) setFault(`Metadata is no JSON: ${metadata.message}`)
    else if (hasNewNull(shown.metadata, metadata.value))
      setFault('A member that is null would be removed: leave it out to remove it, or give it another value.')
    else if (Object.keys(patch).length === 0) setFault('Nothing differs from what is there.')
    else {
      setFault(undefined)
      onSave(patch, shown.version)
    }
  }
  return html`<${Dialog} title="Edit" onClose=${onClose}>
    <form onSubmit=${submit}>
      ${text !== undefined && html`<label>${textField} <textarea name="text" rows="8">${text}</textarea></label>`}
      <label>metadata, as JSON
        <textarea name="metadata" rows="8" spellcheck=${false} class="code">${jsonText(shown.metadata)}</textarea>
      </label>
      ${shown.embedding && html`<p class="dim">Its embedding stays: embed a changed text anew in your program.</p>`}
      ${fault && html`<${Notice} tone="bad">${fault}<//>`}
      <${ErrorNotice} error=${error} />
      <div class="dialog-actions">
        <button type="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class="primary">Save</button>
      </div>
    </form>
  <//>`
}

function jsonText(metadata: unknown): string {
  return metadata === undefined ? '' : JSON.stringify(metadata, null, 2)
}

function parsedMetadata(text: string): { readonly value: unknown } | SyntaxError {
  try {
    return { value: text.trim() === '' ? undefined : (JSON.parse(text) as unknown) }
  } catch (error) {
    return error as SyntaxError
  }
}
