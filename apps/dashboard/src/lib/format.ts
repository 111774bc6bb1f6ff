const units = [
  { name: 'day', short: 'd', ms: 86_400_000 },
  { name: 'hour', short: 'h', ms: 3_600_000 },
  { name: 'minute', short: 'min', ms: 60_000 },
  { name: 'second', short: 's', ms: 1000 },
] as const

const whole = new Intl.NumberFormat()
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })
const short = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** 12,345 */
export const formatNumber = (value: number): string => whole.format(value)

/** 12,345 below 100,000 and 1.2M above: exact while exactness can be read. */
export const formatCount = (value: number): string =>
  Math.abs(value) < 100_000 ? whole.format(value) : compact.format(value)

/** A speed: whole from ten on, one decimal below. */
export const formatRate = (perSecond: number): string =>
  perSecond < 10 ? String(Math.round(perSecond * 10) / 10) : whole.format(Math.round(perSecond))

export const formatDateTime = (value: string | number | Date): string => short.format(new Date(value))

/** "14:03"; with its date when that is not today's. */
export function formatTime(at: number, now = Date.now()): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString()
  return isToday ? clock.format(at) : short.format(at)
}

export const formatFullDateTime = (value: string | number | Date): string => full.format(new Date(value))

/** "450 ms", "12 s", "3 min", "2 h 5 min", "4 d 3 h": the two largest units that say something. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  const index = units.findIndex((unit) => ms >= unit.ms)
  const unit = units[index]!
  const count = Math.floor(ms / unit.ms)
  const smaller = units[index + 1]
  const rest = smaller && unit.ms > 60_000 ? Math.floor((ms - count * unit.ms) / smaller.ms) : 0
  return rest > 0 ? `${count} ${unit.short} ${rest} ${smaller!.short}` : `${count} ${unit.short}`
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })

/** "just now", "in a moment", "3 minutes ago", "in 2 hours", "yesterday"; a date when it is over thirty days away. */
export function formatRelative(at: number, now: number): string {
  const ms = at - now
  const distance = Math.abs(ms)
  if (distance < 5000) return ms > 0 ? 'in a moment' : 'just now'
  if (distance > 30 * 86_400_000)
    return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }).format(at)
  const unit = units.find((candidate) => distance >= candidate.ms) ?? units[3]
  return relative.format(Math.trunc(ms / unit.ms), unit.name)
}

/** "1 event", "2 events" */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatNumber(count)} ${count === 1 ? one : many}`

/** "512 bytes", "13 KB", "2.4 MB" */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return plural(bytes, 'byte')
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** A value of a person's or an event's property, on one line. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return '—'
  if (typeof value === 'string') return value === '' ? '(empty)' : value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return JSON.stringify(value)
}
