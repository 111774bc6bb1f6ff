/** How a file is written, as found out from its beginning or told by its owner. */
export interface Format {
  type: 'csv' | 'ndjson'
  delimiter: string
  quote: string
  /** How a quote inside of quotes is written: twice, or also behind a backslash. */
  quoteEscape: QuoteEscape
  /** Whether the first row names the columns. */
  header: boolean
  /** As sent; what is stored is UTF-8. */
  encoding: Encoding
  /** As sent; what is stored is plain. */
  compression: 'none' | 'gzip' | 'zip'
  /** Bytes before the first row: those of a byte order mark, and of a line that names the delimiter. */
  start: number
  /** Lines before the first row. */
  linesBefore: number
}

/** The usual first: of several that a file may be written in, the first one is taken. */
export const encodings = [
  ...(['utf-8', 'utf-16le', 'utf-16be'] as const),
  // Western, Eastern and Northern Europe.
  ...(['windows-1252', 'iso-8859-15', 'macintosh', 'ibm850'] as const),
  ...(['windows-1250', 'iso-8859-2', 'ibm852', 'windows-1257'] as const),
  // Cyrillic.
  ...(['windows-1251', 'koi8-r', 'koi8-u', 'iso-8859-5', 'ibm866', 'mac-cyrillic'] as const),
  // Greek, Turkish, Hebrew, Arabic, Vietnamese, Thai.
  ...(['windows-1253', 'iso-8859-7', 'windows-1254', 'windows-1255', 'windows-1256'] as const),
  ...(['windows-1258', 'windows-874'] as const),
  // Japanese, Chinese, Korean.
  ...(['shift_jis', 'euc-jp', 'gb18030', 'big5', 'euc-kr'] as const),
] as const
export type Encoding = (typeof encodings)[number]

export const delimiters = [',', ';', '\t', '|'] as const
export const quotes = ['"', "'"] as const
export const quoteEscapes = ['doubled', 'backslash'] as const
export type QuoteEscape = (typeof quoteEscapes)[number]

/** What its owner says about a file; the rest is found out. */
export type Given = Partial<
  Pick<Format, 'type' | 'delimiter' | 'quote' | 'quoteEscape' | 'header' | 'encoding'>
> & {
  /** Which file of an archive. */
  file?: string
}

/** {@link importLimits.rowBytes}, as people say it. */
export const mostOfRow = '1 MB'

export const importLimits = {
  /** Plain, whatever it was packed to. */
  fileBytes: 5 * 1024 ** 3,
  columns: 1_000,
  rowBytes: 1024 ** 2,
  /** Of a row; spreadsheets leave up to 16,384 of them, empty. */
  cells: 20_000,
  /** One after another: a few bytes of an archive become five billion of them. */
  blankLines: 5_000_000,
  /** Of an archive, folders and hidden files included. */
  zipEntries: 1_000,
  /** Of all of them, with what else is said about them. */
  zipNameBytes: 1024 ** 2,
  /** Rejected rows that are kept; beyond, they are only counted. */
  rejects: 200_000,
}
