/** Figures and texts as people read them. */
import type { Unit } from './bench-case.ts'

export function figure(value: number, unit: Unit): string {
  return unit === '/s' || unit === '×' ? `${number(value)}${unit}` : `${number(value)} ${unit}`
}

/** Three digits that count, and thousands apart. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return Number(value.toPrecision(3)).toString()
}

/** Text as it stands, wherever on a page it is put. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replace(/[&<>"']/g, (character) => entities[character]!)
}
