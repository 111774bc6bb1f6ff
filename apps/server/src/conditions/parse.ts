import {
  isOneOf,
  list,
  type Members,
  object,
  oneOf,
  only,
  optionalTruth,
  refuse,
  text,
  truth,
  wholeNumber,
} from './check.ts'
import {
  type Condition,
  countOperators,
  isOrder,
  limits,
  presenceOperators,
  propertyOperators,
  textOperators,
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

const kinds = ['all', 'any', 'not', 'person', 'trigger', 'tag', 'subscribed', 'event'] as const

class Parser {
  private readonly trigger: boolean
  private seen = 0

  constructor(trigger: boolean) {
    this.trigger = trigger
  }

  condition(input: unknown, path: string, depth: number): void {
    if (depth > limits.depth) throw refuse(path, `may be nested at most ${limits.depth} deep`)
    const members = this.counted(input, path)
    const named = kinds.filter((kind) => Object.hasOwn(members, kind))
    const [kind] = named
    if (kind === undefined || named.length > 1) {
      throw refuse(path, `must have exactly one of the members ${list(kinds)}`)
    }
    if (kind === 'person' || kind === 'trigger') {
      if (kind === 'trigger') this.needTrigger(`${path}.trigger`)
      this.propertyTest(members, path, kind)
    } else if (kind === 'event') {
      this.event(members, path)
    } else {
      only(members, path, kind === 'tag' ? ['tag', 'has'] : [kind])
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
      throw refuse(path, 'must be a list of at least one condition')
    }
    for (const [index, child] of children.entries()) this.condition(child, `${path}.${index}`, depth + 1)
  }

  private propertyTest(members: Members, path: string, subject: 'person' | 'trigger' | 'property'): void {
    only(members, path, [subject, 'operator', 'value'])
    text(members[subject], `${path}.${subject}`, limits.nameLength)
    const operator = oneOf(members.operator, `${path}.operator`, propertyOperators)
    const valuePath = `${path}.value`
    if (isOneOf(operator, presenceOperators)) {
      if (members.value !== undefined) throw refuse(valuePath, `must be absent with ${operator}`)
    } else if (isOneOf(operator, textOperators)) {
      text(members.value, valuePath, limits.textLength)
    } else if (isOrder(operator)) {
      orderedValue(members.value, valuePath)
    } else {
      scalar(members.value, valuePath)
    }
  }

  private event(members: Members, path: string): void {
    only(members, path, ['event', 'did', 'count', 'within', 'where', 'scopedBy'])
    text(members.event, `${path}.event`, limits.nameLength)
    optionalTruth(members.did, `${path}.did`)
    if (members.count !== undefined) this.count(members.count, `${path}.count`)
    if (members.within !== undefined) this.window(members.within, `${path}.within`)
    if (members.scopedBy !== undefined) {
      this.needTrigger(`${path}.scopedBy`)
      text(members.scopedBy, `${path}.scopedBy`, limits.nameLength)
    }
    if (members.where === undefined) return
    if (!Array.isArray(members.where)) throw refuse(`${path}.where`, 'must be a list of property conditions')
    members.where.forEach((filter, index) => {
      const filterPath = `${path}.where.${index}`
      this.propertyTest(this.counted(filter, filterPath), filterPath, 'property')
    })
  }

  private count(input: unknown, path: string): void {
    const members = object(input, path, 'must be an object such as {"operator": ">=", "value": 2}')
    only(members, path, ['operator', 'value'])
    oneOf(members.operator, `${path}.operator`, countOperators)
    wholeNumber(members.value, `${path}.value`, 0, limits.count)
  }

  private window(input: unknown, path: string): void {
    if (input === 'since_trigger') {
      this.needTrigger(path)
      return
    }
    const hint = 'must be "since_trigger" or an object such as {"last": {"days": 30}}'
    const members = object(input, path, hint)
    only(members, path, ['last'])
    duration(members.last, `${path}.last`)
  }

  private needTrigger(path: string): void {
    if (!this.trigger) throw refuse(path, 'needs a trigger event, which there is none of here')
  }

  private counted(input: unknown, path: string): Members {
    if (++this.seen > limits.conditions) {
      throw refuse(path, `is one too many: at most ${limits.conditions} conditions together`)
    }
    return object(input, path, `must be an object with one of the members ${list(kinds)}`)
  }
}

function scalar(input: unknown, path: string): void {
  if (typeof input === 'boolean' || Number.isFinite(input)) return
  if (typeof input !== 'string') throw refuse(path, 'must be text, a number, true or false')
  text(input, path, limits.textLength)
}

function orderedValue(input: unknown, path: string): void {
  const hint =
    'must be a number, an ISO 8601 date such as "2026-11-23T09:00:00Z", or a relative time such as {"ago": {"days": 7}}'
  if (Number.isFinite(input)) return
  if (typeof input === 'string') {
    if (readInstant(input) === undefined) throw refuse(path, hint)
    return
  }
  const members = object(input, path, hint)
  const [direction, ...others] = Object.keys(members)
  if ((direction !== 'ago' && direction !== 'ahead') || others.length > 0) throw refuse(path, hint)
  duration(members[direction], `${path}.${direction}`)
}

function duration(input: unknown, path: string): void {
  const hint = `must be an object with one of ${list(units)}, such as {"days": 3}`
  const members = object(input, path, hint)
  const [unit, ...others] = Object.keys(members)
  if (!isOneOf(unit, units) || others.length > 0) throw refuse(path, hint)
  const amount = members[unit]
  if (typeof amount !== 'number' || !(amount > 0) || amount * unitMs[unit] > limits.durationMs) {
    throw refuse(`${path}.${unit}`, 'must be a number above 0; at most ten years')
  }
}
