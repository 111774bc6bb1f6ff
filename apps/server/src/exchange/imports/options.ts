import type { Notation } from './values.ts'

/** How an import is made. */
export interface Options extends Notation {
  /** Only change who is there; rows of others are rejected. */
  updateOnly?: boolean
  /** Only create; rows of people who are there change nothing. */
  createOnly?: boolean
  /** A column may subscribe people who opted out; otherwise they stay so. */
  resubscribe?: boolean
  /** An empty cell removes what the person has there. */
  overwriteEmpty?: boolean
  /** Tags for everybody in the file. */
  tags?: string[]
  /** For kind `tags`: what becomes of the tags. */
  tagAction?: 'add' | 'remove'
  /** What stands between the tags of a cell. */
  tagSeparator?: string
  /** A manual segment that everybody in the file becomes a member of. */
  segment?: number
  /** For kind `events`: the name of all events, where no column has it. */
  event?: string
  /** For kind `events`: whether they start campaigns. */
  trigger?: boolean
}
