/** Where in a template something went wrong, for its author. */
export class TemplateError extends Error {
  /** 'subject', 'html', 'text', 'preheader', 'from', 'reply_to', 'headers.<name>', or 'mail' for the whole. */
  readonly part: string
  readonly problem: string
  readonly line: number | undefined
  readonly column: number | undefined

  constructor(part: string, problem: string, line?: number, column?: number) {
    super(line === undefined ? `${part}: ${problem}` : `${part}, line ${line}, column ${column}: ${problem}`)
    this.name = 'TemplateError'
    this.part = part
    this.problem = problem
    this.line = line
    this.column = column
  }
}
