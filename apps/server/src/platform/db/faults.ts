import pg from 'pg'

/**
 * Whose fault an error is. `data`: PostgreSQL refused a value of an item. `ours`: a mistake in this program that some
 * item brings out. `system`: the database is unreachable, overloaded or not as it should be, whatever the items.
 */
export type Fault = 'data' | 'ours' | 'system'

/** Classes of SQLSTATE: data exception, integrity violation, program limit exceeded. */
const dataClasses = new Set(['22', '23', '54'])

export function faultOf(error: unknown): Fault {
  if (error instanceof pg.DatabaseError)
    return dataClasses.has((error.code ?? '').slice(0, 2)) ? 'data' : 'system'
  const mistakes = [TypeError, RangeError, SyntaxError, ReferenceError]
  return mistakes.some((mistake) => error instanceof mistake) ? 'ours' : 'system'
}
