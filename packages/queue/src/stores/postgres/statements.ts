import * as append from './sql/append.ts'
import * as claim from './sql/claim.ts'
import * as collect from './sql/collect.ts'
import * as controls from './sql/controls.ts'
import * as heads from './sql/heads.ts'
import * as inspect from './sql/inspect.ts'
import * as promote from './sql/promote.ts'
import * as schedules from './sql/schedules.ts'
import * as settle from './sql/settle.ts'
import * as workers from './sql/workers.ts'

const makers = {
  ...append,
  ...claim,
  ...collect,
  ...controls,
  ...heads,
  ...inspect,
  ...promote,
  ...schedules,
  ...settle,
  ...workers,
}
type Makers = typeof makers
/** Every exported function of the files in `sql/` that takes the schema's name and gives a statement. */
export type StatementName = {
  [Name in keyof Makers]: Makers[Name] extends (schema: string) => string ? Name : never
}[keyof Makers]

export function statements(schema: string): Record<StatementName, string> {
  const texts: Partial<Record<StatementName, string>> = {}
  for (const [name, make] of Object.entries(makers))
    if (typeof make === 'function' && make.length === 1)
      texts[name as StatementName] = (make as (schema: string) => string)(schema)
  return texts as Record<StatementName, string>
}
