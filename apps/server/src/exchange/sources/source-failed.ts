/** The other database can't be read, for a reason that the owner of the source can understand. */
export class SourceFailed extends Error {
  /** What to correct. */
  readonly field: 'url' | 'query' | 'cursorColumn'
  /** It may go better another time. */
  readonly transient: boolean

  constructor(
    field: SourceFailed['field'],
    message: string,
    options: { transient?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'SourceFailed'
    this.field = field
    this.transient = options.transient ?? false
  }
}
