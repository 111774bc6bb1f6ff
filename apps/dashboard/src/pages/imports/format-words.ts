import type { Import } from '../../api/imports.ts'
import { formatBytes } from '../../lib/format.ts'

const delimiters: Record<string, string> = { ',': 'commas', ';': 'semicolons', '\t': 'tabs', '|': 'bars' }

/** "12.4 MB · CSV with semicolons · UTF-8 · gzip" */
export function formatWords({ size, format }: Import): string {
  if (!format) return formatBytes(size)
  const { type, delimiter, encoding, compression } = format
  return [
    formatBytes(size),
    type === 'csv' ? `CSV${delimiter ? ` with ${delimiters[delimiter] ?? delimiter}` : ''}` : 'JSON lines',
    ...(encoding ? [encoding.toUpperCase()] : []),
    ...(compression && compression !== 'none' ? [compression] : []),
  ].join(' · ')
}
