import {
  allowOnly,
  isOneOf,
  list,
  type Members,
  object,
  oneOf,
  optionalTruth,
  refuse,
  requireTrue,
  text,
  wholeNumber,
} from './check.ts'
import {
  type Condition,
  countOperators,
  isOrder,
  limits,
  listOperators,
  messageActions,
  orderOperators,
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

const kinds = [
  'all',
  'any',
  'not',
  'person',
  'trigger',
  'tag',
  'subscribed',
  'topic',
  'segment',
  'event',
  'message',
] as const
type Kind = (typeof kinds)[number]
const maxId = 2_147_483_647

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
    this.named(kind, members, path, depth)
  }

  private named(kind: Kind, members: Members, path: string, depth: number): void {
    switch (kind) {
      case 'all':
      case 'any':
        allowOnly(members, path, [kind])
        this.group(members[kind], `${path}.${kind}`, depth)
        break
      case 'not':
        allowOnly(members, path, [kind])
        this.condition(members.not, `${path}.not`, depth + 1)
        break
      case 'trigger':
        this.needTrigger(`${path}.trigger`)
        this.propertyTest(members, path, kind)
        break
      case 'person':
        this.propertyTest(members, path, kind)
        break
      case 'tag':
        allowOnly(members, path, ['tag', 'has'])
        text(members.tag, `${path}.tag`, limits.nameLength)
        optionalTruth(members.has, `${path}.has`)
        break
      case 'subscribed':
        allowOnly(members, path, ['subscribed'])
        requireTrue(members.subscribed, `${path}.subscribed`)
        break
      case 'topic':
        allowOnly(members, path, ['topic', 'wanted'])
        text(members.topic, `${path}.topic`, limits.nameLength)
        requireTrue(members.wanted, `${path}.wanted`)
        break
      case 'segment':
        allowOnly(members, path, ['segment', 'in'])
        wholeNumber(members.segment, `${path}.segment`, 1, maxId)
        optionalTruth(members.in, `${path}.in`)
        break
      case 'event':
        this.event(members, path)
        break
      case 'message':
        this.message(members, path)
    }
  }

  private group(children: unknown, path: string, depth: number): void {
    if (!Array.isArray(children) || children.length === 0) {
      throw refuse(path, 'must be a list of at least one condition')
    }
    for (const [index, child] of children.entries()) this.condition(child, `${path}.${index}`, depth + 1)
  }

  private propertyTest(members: Members, path: string, subject: 'person' | 'trigger' | 'property'): void {
    allowOnly(members, path, [subject, 'operator', 'value'])
    text(members[subject], `${path}.${subject}`, limits.nameLength)
    const operator = oneOf(members.operator, `${path}.operator`, propertyOperators)
    const valuePath = `${path}.value`
    if (isOneOf(operator, presenceOperators)) {
      if (members.value !== undefined) throw refuse(valuePath, `must be absent with ${operator}`)
    } else if (isOneOf(operator, listOperators)) {
      scalars(members.value, valuePath)
    } else if (isOneOf(operator, textOperators)) {
      text(members.value, valuePath, limits.textLength)
    } else if (isOrder(operator)) {
      orderedValue(members.value, valuePath)
    } else {
      scalar(members.value, valuePath)
    }
  }

  private event(members: Members, path: string): void {
    allowOnly(members, path, [
      'event',
      'did',
      'count',
      'first',
      'last',
      'within',
      'where',
      'scopedBy',
      'related',
    ])
    text(members.event, `${path}.event`, limits.nameLength)
    optionalTruth(members.did, `${path}.did`)
    const measures = (['count', 'first', 'last'] as const).filter((name) => members[name] !== undefined)
    if (measures.length > 1) throw refuse(path, 'may have only one of count, first, last')
    if (members.count !== undefined) count(members.count, `${path}.count`)
    for (const name of ['first', 'last'] as const)
      if (members[name] !== undefined) timeTest(members[name], `${path}.${name}`)
    if (members.within !== undefined) this.eventWindow(members.within, `${path}.within`)
    if (members.scopedBy !== undefined) {
      this.needTrigger(`${path}.scopedBy`)
      text(members.scopedBy, `${path}.scopedBy`, limits.nameLength)
    }
    this.where(members.where, `${path}.where`)
    if (members.related !== undefined) this.related(members.related, `${path}.related`)
  }

  private related(input: unknown, path: string): void {
    const members = this.counted(input, path)
    allowOnly(members, path, ['event', 'did', 'scopedBy', 'after', 'where'])
    text(members.event, `${path}.event`, limits.nameLength)
    text(members.scopedBy, `${path}.scopedBy`, limits.nameLength)
    optionalTruth(members.did, `${path}.did`)
    optionalTruth(members.after, `${path}.after`)
    this.where(members.where, `${path}.where`)
  }

  private where(input: unknown, path: string): void {
    if (input === undefined) return
    if (!Array.isArray(input)) throw refuse(path, 'must be a list of property conditions')
    input.forEach((filter, index) => {
      this.propertyTest(this.counted(filter, `${path}.${index}`), `${path}.${index}`, 'property')
    })
  }

  private message(members: Members, path: string): void {
    allowOnly(members, path, ['message', 'did', 'count', 'within', 'campaign', 'template'])
    oneOf(members.message, `${path}.message`, messageActions)
    optionalTruth(members.did, `${path}.did`)
    if (members.count !== undefined) count(members.count, `${path}.count`)
    if (members.within !== undefined) window(members.within, `${path}.within`)
    for (const name of ['campaign', 'template'] as const)
      if (members[name] !== undefined) wholeNumber(members[name], `${path}.${name}`, 1, maxId)
  }

  private eventWindow(input: unknown, path: string): void {
    if (input === 'since_trigger') this.needTrigger(path)
    else window(input, path)
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

function count(input: unknown, path: string): void {
  const members = object(input, path, 'must be an object such as {"operator": ">=", "value": 2}')
  allowOnly(members, path, ['operator', 'value'])
  oneOf(members.operator, `${path}.operator`, countOperators)
  wholeNumber(members.value, `${path}.value`, 0, limits.count)
}

function window(input: unknown, path: string): void {
  const hint =
    'must be an object such as {"last": {"days": 30}} or {"after": "2026-11-01", "before": {"ago": {"days": 1}}}'
  const members = object(input, path, hint)
  if (members.last !== undefined) {
    allowOnly(members, path, ['last'])
    duration(members.last, `${path}.last`)
    return
  }
  allowOnly(members, path, ['after', 'before'])
  if (members.after === undefined && members.before === undefined) throw refuse(path, hint)
  for (const name of ['after', 'before'] as const)
    if (members[name] !== undefined) timeValue(members[name], `${path}.${name}`)
}

function timeTest(input: unknown, path: string): void {
  const members = object(
    input,
    path,
    'must be an object such as {"operator": ">", "value": {"ago": {"days": 7}}}',
  )
  allowOnly(members, path, ['operator', 'value'])
  oneOf(members.operator, `${path}.operator`, orderOperators)
  timeValue(members.value, `${path}.value`)
}

function scalars(input: unknown, path: string): void {
  if (!Array.isArray(input) || input.length === 0 || input.length > limits.list) {
    throw refuse(path, `must be a list of 1 to ${limits.list} values`)
  }
  input.forEach((value, index) => {
    scalar(value, `${path}.${index}`)
  })
}

function scalar(input: unknown, path: string): void {
  if (typeof input === 'boolean' || Number.isFinite(input)) return
  if (typeof input !== 'string') throw refuse(path, 'must be text, a number, true or false')
  text(input, path, limits.textLength)
}

const dateHint =
  'an ISO 8601 date such as "2026-11-23T09:00:00Z", or a relative time such as {"ago": {"days": 7}}'

function orderedValue(input: unknown, path: string): void {
  if (!Number.isFinite(input)) date(input, path, `must be a number, ${dateHint}`)
}

const timeValue = (input: unknown, path: string): void => date(input, path, `must be ${dateHint}`)

function date(input: unknown, path: string, hint: string): void {
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
