/** A statement and its values, as `pool.query` takes it; or a part of one, to be put into another. */
export class Sql {
  /** With `$1`, `$2`, … where values belong. */
  readonly text: string
  readonly values: unknown[]
  /** What is around the values: one more than those. */
  readonly parts: readonly string[]

  constructor(parts: readonly string[], values: unknown[]) {
    this.parts = parts
    this.values = values
    this.text = parts.reduce((text, part, i) => `${text}$${i}${part}`)
  }
}

/**
 * SQL as it is written, with its values in place: each `${}` becomes a numbered value and can never be syntax, but for what
 * `sql` itself made, whose values are numbered on.
 */
export function sql(strings: TemplateStringsArray, ...members: unknown[]): Sql {
  const parts = [strings[0]!]
  const values: unknown[] = []
  const append = (text: string) => {
    parts[parts.length - 1] += text
  }
  for (const [i, member] of members.entries()) {
    if (member instanceof Sql) {
      append(member.parts[0]!)
      parts.push(...member.parts.slice(1))
      values.push(...member.values)
      append(strings[i + 1]!)
    } else {
      values.push(member)
      parts.push(strings[i + 1]!)
    }
  }
  return new Sql(parts, values)
}

const columnName = /^[a-z_]+$/

/** `a = $1, b = $2` for the columns that are given; their names are ours, never somebody's words. */
export function assignments(columns: Record<string, unknown>): Sql {
  const given = Object.entries(columns).filter(([, value]) => value !== undefined)
  const misnamed = given.find(([name]) => !columnName.test(name))
  if (misnamed) throw new TypeError(`${misnamed[0]} is no name of a column`)
  if (given.length === 0) throw new TypeError('No column is given')
  const parts = [...given.map(([name], i) => `${i === 0 ? '' : ', '}${name} = `), '']
  return new Sql(
    parts,
    given.map(([, value]) => value),
  )
}
