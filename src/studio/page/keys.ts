/** Decides what keys do on every page: `/` goes to the search, Esc leaves a field. Dialogs close by Esc themselves. */

const FIELD = /^(INPUT|TEXTAREA|SELECT)$/

export function listenForKeys(): void {
  addEventListener('keydown', (event) => {
    const at = document.activeElement as HTMLElement | null
    const isTyping = at !== null && FIELD.test(at.tagName)
    if (event.key === 'Escape' && isTyping && at.closest('dialog') === null) at.blur()
    if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
    // A dialog is answered first.
    if (document.querySelector('dialog[open]') !== null) return
    event.preventDefault()
    const field = document.getElementById('search')
    if (field !== null) field.focus()
    else location.hash = '#/browse?focus=search'
  })
}
