import type { Properties } from '../../api/types.ts'
import { formatValue } from '../../lib/format.ts'

const list = (value: unknown): string =>
  Array.isArray(value) ? value.map(formatValue).join(', ') : formatValue(value)

/** A change of a person in words; an unknown kind keeps its name and shows its detail. */
export function describeChange(kind: string, detail: Properties): string {
  const words = kind.replaceAll('_', ' ')
  const parts = Object.entries(detail).map(([name, value]) => `${name}: ${list(value)}`)
  return parts.length === 0 ? sentence(words) : `${sentence(words)} — ${parts.join('; ')}`
}

const sentence = (words: string) => words.charAt(0).toUpperCase() + words.slice(1)
