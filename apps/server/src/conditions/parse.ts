import { invalidField } from '../errors.ts'
import {
  type Condition,
  countOperators,
  type Duration,
  isOrder,
  limits,
  presenceOperators,
  propertyOperators,
  textOperators,
  type Unit,
  unitMs,
  units,
} from './language.ts'
import { readInstant } from './values.ts'

export interface ParseOptions {
  /** Where the conditions are in the request, the root of the paths in errors. */
  path?: string
  /** Whether there is a trigger event to speak of: campaigns have one, segments have none. */
  trigger: boolean
}

/**
 * Checks that `input` is a condition and gives it its type. Throws a 422 that names the place
 * (`conditions.all.2.value`) and what fits there.
 */
export function parseConditions(input: unknown, options: ParseOptions): Condition {
  const parser = new Parser(options.trigger)
  parser.condition(input, options.path ?? 'conditions', 1)
  return input as Condition
}

type Members = Record<string, unknown>

const kinds = ['all', 'any', 'not', 'person', 'trigger', 'tag', 'subscribed', 'event'] as const

class Parser {
  private readonly trigger: boolean
  private seen = 0

  constructor(trigger: boolean) {
    this.trigger = trigger
  }

  condition(input: unknown, path: string, depth: number): void {
    if (depth > limits.depth)
      throw invalidField(path, `conditions may be nested at most ${limits.depth} deep`)
    const members = this.counted(input, path)
    const named = kinds.filter((kind) => Object.hasOwn(members, kind))
    const [kind] = named
    if (kind === undefined || named.length > 1) {
      throw invalidField(path, `a condition has exactly one of the members ${list(kinds)}`)
    }
    if (kind === 'person' || kind === 'trigger') {
      if (kind === 'trigger') this.needTrigger(`${path}.trigger`)
      this.propertyTest(members, path, kind)
    } else if (kind === 'event') {
      this.event(members, path)
    } else {
      this.only(members, path, kind === 'tag' ? ['tag', 'has'] : [kind])
      if (kind === 'not') this.condition(members.not, `${path}.not`, depth + 1)
      else if (kind === 'subscribed') truth(members.subscribed, `${path}.subscribed`)
      else if (kind === 'tag') this.tag(members, path)
      else this.group(members[kind], `${path}.${kind}`, depth)
    }
  }

  private tag(members: Members, path: string): void {
    text(members.tag, `${path}.tag`, limits.nameLength)
    optionalTruth(members.has, `${path}.has`)
  }

  private group(children: unknown, path: string, depth: number): void {
    if (!Array.isArray(children) || children.length === 0) {
      throw invalidField(path, 'must be a list of at least one condition')
    }
    for (const [index, child] of children.entries()) this.condition(child, `${path}.${index}`, depth + 1)
  }

  private propertyTest(members: Members, path: string, subject: 'person' | 'trigger' | 'property'): void {
    this.only(members, path, [subject, 'operator', 'value'])
    text(members[subject], `${path}.${subject}`, limits.nameLength)
    const { operator } = members
    const valuePath = `${path}.value`
    if (!isOneOf(operator, propertyOperators)) {
      throw invalidField(`${path}.operator`, `must be one of ${list(propertyOperators)}`)
    }
    if (isOneOf(operator, presenceOperators)) {
      if (members.value !== undefined) throw invalidField(valuePath, `must be absent with ${operator}`)
    } else if (isOneOf(operator, textOperators)) {
      text(members.value, valuePath, limits.textLength)
    } else if (isOrder(operator)) {
      orderedValue(members.value, valuePath)
    } else {
      scalar(members.value, valuePath)
    }
  }

  private event(members: Members, path: string): void {
    this.only(members, path, ['event', 'did', 'count', 'within', 'where', 'scopedBy'])
    text(members.event, `${path}.event`, limits.nameLength)
    optionalTruth(members.did, `${path}.did`)
    if (members.count !== undefined) this.count(members.count, `${path}.count`)
    if (members.within !== undefined) this.window(members.within, `${path}.within`)
    if (members.scopedBy !== undefined) {
      this.needTrigger(`${path}.scopedBy`)
      text(members.scopedBy, `${path}.scopedBy`, limits.nameLength)
    }
    if (members.where === undefined) return
    if (!Array.isArray(members.where))
      throw invalidField(`${path}.where`, 'must be a list of property conditions')
    members.where.forEach((filter, index) => {
      const filterPath = `${path}.where.${index}`
      this.propertyTest(this.counted(filter, filterPath), filterPath, 'property')
    })
  }

  private count(input: unknown, path: string): void {
    const members = object(input, path, 'must be an object such as {"operator": ">=", "value": 2}')
    this.only(members, path, ['operator', 'value'])
    if (!isOneOf(members.operator, countOperators)) {
      throw invalidField(`${path}.operator`, `must be one of ${list(countOperators)}`)
    }
    const { value } = members
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > limits.count) {
      throw invalidField(`${path}.value`, `must be a whole number from 0 to ${limits.count}`)
    }
  }

  private window(input: unknown, path: string): void {
    if (input === 'since_trigger') {
      this.needTrigger(path)
      return
    }
    const hint = 'must be "since_trigger" or an object such as {"last": {"days": 30}}'
    const members = object(input, path, hint)
    this.only(members, path, ['last'])
    duration(members.last, `${path}.last`)
  }

  private needTrigger(path: string): void {
    if (!this.trigger) throw invalidField(path, 'needs a trigger event, which there is none of here')
  }

  private counted(input: unknown, path: string): Members {
    if (++this.seen > limits.conditions) {
      throw invalidField(path, `at most ${limits.conditions} conditions are allowed together`)
    }
    return object(input, path, `must be an object with one of the members ${list(kinds)}`)
  }

  private only(members: Members, path: string, allowed: readonly string[]): void {
    const stranger = Object.keys(members).find((key) => !allowed.includes(key))
    if (stranger !== undefined)
      throw invalidField(`${path}.${stranger}`, `is unknown here; allowed: ${list(allowed)}`)
  }
}

const list = (words: readonly string[]) => words.join(', ')

const isOneOf = <T extends string>(value: unknown, allowed: readonly T[]): value is T =>
  allowed.includes(value as T)

function object(input: unknown, path: string, message: string): Members {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) throw invalidField(path, message)
  return input as Members
}

function text(input: unknown, path: string, longest: number): asserts input is string {
  if (typeof input !== 'string' || input === '' || input.length > longest) {
    throw invalidField(path, `must be text of 1 to ${longest} characters`)
  }
  // PostgreSQL can't store them, and no property contains them.
  if (input.includes('\0') || /\p{Surrogate}/u.test(input)) {
    throw invalidField(path, 'must not contain NUL or unpaired surrogates')
  }
}

function truth(input: unknown, path: string): void {
  if (typeof input !== 'boolean') throw invalidField(path, 'must be true or false')
}

function optionalTruth(input: unknown, path: string): void {
  if (input !== undefined) truth(input, path)
}

function scalar(input: unknown, path: string): void {
  if (typeof input === 'boolean' || Number.isFinite(input)) return
  if (typeof input !== 'string') throw invalidField(path, 'must be text, a number, true or false')
  text(input, path, limits.textLength)
}

function orderedValue(input: unknown, path: string): void {
  const hint =
    'must be a number, an ISO 8601 date such as "2026-11-23T09:00:00Z", or a relative time such as {"ago": {"days": 7}}'
  if (Number.isFinite(input)) return
  if (typeof input === 'string') {
    if (readInstant(input) === undefined) throw invalidField(path, hint)
    return
  }
  const members = object(input, path, hint)
  const [direction, ...others] = Object.keys(members)
  if ((direction !== 'ago' && direction !== 'ahead') || others.length > 0) throw invalidField(path, hint)
  duration(members[direction], `${path}.${direction}`)
}

function duration(input: unknown, path: string): asserts input is Duration {
  const hint = `must be an object with one of ${list(units)}, such as {"days": 3}`
  const members = object(input, path, hint)
  const [unit, ...others] = Object.keys(members)
  if (!isOneOf(unit, units) || others.length > 0) throw invalidField(path, hint)
  const amount = members[unit]
  if (typeof amount !== 'number' || !(amount > 0) || amount * unitMs[unit as Unit] > limits.durationMs) {
    throw invalidField(`${path}.${unit}`, 'must be a number above 0; at most ten years')
  }
}
