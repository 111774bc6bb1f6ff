/** How a file is written, as found out from its beginning or told by its owner. */
export interface Format {
  type: 'csv' | 'ndjson'
  delimiter: string
  quote: string
  /** Whether the first row names the columns. */
  header: boolean
  /** As sent; what is stored is UTF-8. */
  encoding: Encoding
  /** As sent; what is stored is plain. */
  compression: 'none' | 'gzip' | 'zip'
  /** Bytes before the first row: those of a byte order mark. */
  start: number
}

export const encodings = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const
export type Encoding = (typeof encodings)[number]

export const delimiters = [',', ';', '\t', '|'] as const
export const quotes = ['"', "'"] as const

/** What its owner says about a file; the rest is found out. */
export type Given = Partial<Pick<Format, 'type' | 'delimiter' | 'quote' | 'header' | 'encoding'>>

export const importLimits = {
  /** Plain, whatever it was packed to. */
  fileBytes: 5 * 1024 ** 3,
  columns: 1_000,
  rowBytes: 1024 ** 2,
  /** Of a row; spreadsheets leave up to 16,384 of them, empty. */
  cells: 20_000,
  /** Beyond what was read, because rows turned out to be too long and are read again as lines. */
  bytesAgain: 64 * 1024 ** 2,
  /** Of an archive, folders and hidden files included. */
  zipEntries: 1_000,
  /** Of all of them, with what else is said about them. */
  zipNameBytes: 1024 ** 2,
  /** Rejected rows that are kept; beyond, they are only counted. */
  rejects: 200_000,
}
