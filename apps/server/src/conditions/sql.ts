import { isRelative, type OrderOperator, type PropertyTest, resolveRelative } from './language.ts'
import { readInstant } from './values.ts'

/** Collects the values of a statement and hands out their places (`$1`, `$2`, …). */
export class Parameters {
  readonly values: unknown[] = []

  add(value: unknown, type: string): string {
    this.values.push(value)
    return `$${this.values.length}::${type}`
  }
}

/** SQL for a property inside the jsonb expression `properties`; the counterpart of `readProperty`. */
export function propertySql(properties: string, name: string, parameters: Parameters): string {
  const place = parameters.add(name, 'text')
  if (!name.includes('.')) return `(${properties} -> ${place})`
  const path = name.split('.').map((part) => ` -> ${parameters.add(part, 'text')}`)
  return `(case when ${properties} ? ${place} then ${properties} -> ${place} else ${properties}${path.join('')} end)`
}

/** SQL that is true or false, never null, for one test; the counterpart of `propertyHolds`. */
export function testSql(value: string, test: PropertyTest, now: Date, parameters: Parameters): string {
  const same = () =>
    `coalesce(condition_same(${value}, ${parameters.add(JSON.stringify(test.value), 'jsonb')}), false)`
  const found = () => `strpos(${value} #>> '{}', ${parameters.add(test.value, 'text')})`
  const isText = `coalesce(jsonb_typeof(${value}) = 'string', false)`
  switch (test.operator) {
    case 'is_set':
      return `coalesce(jsonb_typeof(${value}) <> 'null', false)`
    case 'is_not_set':
      return `coalesce(jsonb_typeof(${value}) = 'null', true)`
    case 'equals':
      return same()
    case 'not_equals':
      return `not ${same()}`
    case 'contains':
      return `(${isText} and ${found()} > 0)`
    case 'not_contains':
      return `(${isText} and ${found()} = 0)`
    default:
      return orderSql(value, test.operator, test.value!, now, parameters)
  }
}

function orderSql(
  value: string,
  operator: OrderOperator,
  bound: NonNullable<PropertyTest['value']>,
  now: Date,
  parameters: Parameters,
): string {
  if (typeof bound === 'number') {
    return `coalesce(condition_number(${value}) ${operator} ${parameters.add(bound, 'float8')}, false)`
  }
  const instant = isRelative(bound) ? resolveRelative(bound, now) : readInstant(bound as string)!
  return `coalesce(condition_instant(${value}) ${operator} ${parameters.add(new Date(instant), 'timestamptz')}, false)`
}
