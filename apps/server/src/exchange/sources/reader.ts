/** What is read. */
export interface Reading {
  /** One SELECT. */
  query: string
  /** Rows come in its order, without those that have none. */
  cursorColumn: string | null
  /** Only rows with this value or a greater one; null: from the beginning. */
  from: CursorValue | null
}

/** A value as the database writes it, so that nothing is rounded, and as what type it reads it again. */
export interface CursorValue {
  value: string
  type: string
}

export interface SourceColumn {
  name: string
  /** In the words of the database. */
  type: string
}

export interface SourceRow {
  /** A JSON object. */
  line: string
  cursor: string | null
}

export interface Reader {
  columns: SourceColumn[]
  cursorType: string | null
  /** The next rows, at most so many; none at the end. */
  read(limit: number): Promise<SourceRow[]>
  /** At once; a read that is waiting for the database fails. */
  close(): Promise<void>
}

export interface ReadLimits {
  /** Until a connection is there. */
  connectMs: number
  /** For one statement; the database ends it then. */
  statementMs: number
  allowPrivate: boolean
}

/** Rows that are wider are no people and no events. */
export const maxRowBytes = 262_144
