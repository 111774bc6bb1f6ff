import type { Import } from '@fairway/api'
import { formatBytes } from '../../lib/format.ts'

const delimiters: Record<string, string> = { ',': 'commas', ';': 'semicolons', '\t': 'tabs', '|': 'bars' }

/** The delimiters that can be chosen, and the one that is in the file. */
export const delimiterChoices = (used: string) => [
  ...Object.entries(delimiters).map(([value, label]) => ({ value, label: capital(label) })),
  ...(used in delimiters ? [] : [{ value: used, label: used }]),
]

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** As the server knows them, with whose letters they are for. */
export const encodingChoices = [
  {
    group: 'All letters',
    items: [
      { value: 'utf-8', label: 'UTF-8' },
      { value: 'utf-16le', label: 'UTF-16, little endian' },
      { value: 'utf-16be', label: 'UTF-16, big endian' },
    ],
  },
  {
    group: 'Europe',
    items: [
      { value: 'windows-1252', label: 'Western: Windows-1252' },
      { value: 'iso-8859-15', label: 'Western: ISO-8859-15' },
      { value: 'macintosh', label: 'Western: Macintosh' },
      { value: 'ibm850', label: 'Western: DOS (850)' },
      { value: 'windows-1250', label: 'Eastern: Windows-1250' },
      { value: 'iso-8859-2', label: 'Eastern: ISO-8859-2' },
      { value: 'ibm852', label: 'Eastern: DOS (852)' },
      { value: 'windows-1257', label: 'Baltic: Windows-1257' },
      { value: 'windows-1251', label: 'Cyrillic: Windows-1251' },
      { value: 'koi8-r', label: 'Cyrillic: KOI8-R' },
      { value: 'koi8-u', label: 'Cyrillic: KOI8-U' },
      { value: 'iso-8859-5', label: 'Cyrillic: ISO-8859-5' },
      { value: 'ibm866', label: 'Cyrillic: DOS (866)' },
      { value: 'mac-cyrillic', label: 'Cyrillic: Macintosh' },
      { value: 'windows-1253', label: 'Greek: Windows-1253' },
      { value: 'iso-8859-7', label: 'Greek: ISO-8859-7' },
      { value: 'windows-1254', label: 'Turkish: Windows-1254' },
    ],
  },
  {
    group: 'Asia',
    items: [
      { value: 'shift_jis', label: 'Japanese: Shift JIS' },
      { value: 'euc-jp', label: 'Japanese: EUC-JP' },
      { value: 'gb18030', label: 'Chinese, simplified: GB 18030, GBK' },
      { value: 'big5', label: 'Chinese, traditional: Big5' },
      { value: 'euc-kr', label: 'Korean: EUC-KR' },
      { value: 'windows-1255', label: 'Hebrew: Windows-1255' },
      { value: 'windows-1256', label: 'Arabic: Windows-1256' },
      { value: 'windows-874', label: 'Thai: Windows-874' },
      { value: 'windows-1258', label: 'Vietnamese: Windows-1258' },
    ],
  },
]

/** "12.4 MB · CSV with semicolons · UTF-8 · gzip" */
export function formatWords({ size, format, given }: Import): string {
  if (!format) return formatBytes(size)
  const { type, delimiter, encoding, compression } = format
  return [
    formatBytes(size),
    type === 'csv' ? `CSV with ${delimiters[delimiter] ?? delimiter}` : 'JSON lines',
    encoding.toUpperCase(),
    ...(compression === 'none' ? [] : [compression]),
    ...(given.file ? [given.file] : []),
  ].join(' · ')
}
