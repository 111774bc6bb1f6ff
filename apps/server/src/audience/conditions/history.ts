/** What conditions measure in the database: rows of one table that belong to a person and pass all filters. */
export interface History extends Measure {
  /** `events h` or `messages h`. */
  from: string
  filters: string[]
}

export interface Measure {
  /** SQL that measures a person's rows, for `having`; never null. */
  measure: string
  /** Whether it is true of no rows at all. */
  ofNone: boolean
  /** More rows make no difference; undefined for measures that need all. */
  enough?: number
}
