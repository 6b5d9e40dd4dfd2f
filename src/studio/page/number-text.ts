/** Writes numbers, sizes and times as people read them; colours and places are decided by the widgets. */

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const SHORT = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const UNKNOWN = '–'

export function countText(count: number | undefined): string {
  return count === undefined ? UNKNOWN : WHOLE.format(count)
}

export function bytesText(bytes: number | undefined): string {
  if (bytes === undefined) return UNKNOWN
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1)
  return `${SHORT.format(bytes / 1024 ** step)} ${units[step]}`
}

/** Of what happens so many times a second. */
export function rateText(perSecond: number): string {
  return `${perSecond >= 10 ? WHOLE.format(perSecond) : SHORT.format(perSecond)}/s`
}

export function percentText(ratio: number | undefined): string {
  return ratio === undefined ? UNKNOWN : `${SHORT.format(ratio * 100)} %`
}

export function millisText(millis: number | undefined): string {
  if (millis === undefined) return UNKNOWN
  if (millis < 1) return `${millis.toFixed(2)} ms`
  return millis < 1_000 ? `${SHORT.format(millis)} ms` : durationText(millis / 1_000)
}

export function durationText(seconds: number): string {
  if (seconds < 60) return `${SHORT.format(Math.max(seconds, 0))} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${SHORT.format(seconds / 3_600)} h`
  return `${SHORT.format(seconds / 86_400)} days`
}

/** How long ago, or in how long. */
export function fromNowText(at: number | undefined, now: number): string {
  if (at === undefined) return UNKNOWN
  const seconds = Math.abs(now - at) / 1_000
  if (seconds < 2) return 'now'
  const text = durationText(Math.round(seconds))
  return at > now ? `in ${text}` : `${text} ago`
}

export function timeText(at: number | undefined): string {
  return at === undefined
    ? UNKNOWN
    : new Date(at)
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, ' UTC')
}

export function clockText(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB')
}

/** The end of an id, by which the eye tells two apart. */
export function shortId(id: string): string {
  return id.length <= 13 ? id : `…${id.slice(-12)}`
}
