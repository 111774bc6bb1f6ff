import { allowOnly, isOneOf, list, type Members, object, refuse } from './check.ts'
import type { CheckContext } from './kinds/kind.ts'
import { kindOf, type LeafCondition, leafKindNames } from './kinds.ts'
import type { Condition } from './language.ts'
import { limits } from './parts/limits.ts'

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

const groups = ['all', 'any', 'not'] as const
const members = [...groups, ...leafKindNames]

class Parser implements CheckContext {
  private readonly trigger: boolean
  private seen = 0

  constructor(trigger: boolean) {
    this.trigger = trigger
  }

  condition(input: unknown, path: string, depth: number): void {
    if (depth > limits.maxDepth) throw refuse(path, `may be nested at most ${limits.maxDepth} deep`)
    const found = this.counted(input, path)
    const named = members.filter((name) => Object.hasOwn(found, name))
    const [name] = named
    if (name === undefined || named.length > 1) {
      throw refuse(path, `must have exactly one of the members ${list(members)}`)
    }
    if (isOneOf(name, groups)) this.group(name, found, path, depth)
    else kindOf(found as LeafCondition).check(found, path, this)
  }

  private group(name: (typeof groups)[number], found: Members, path: string, depth: number): void {
    allowOnly(found, path, [name])
    const inner = `${path}.${name}`
    if (name === 'not') {
      this.condition(found.not, inner, depth + 1)
      return
    }
    const children = found[name]
    if (!Array.isArray(children) || children.length === 0) {
      throw refuse(inner, 'must be a list of at least one condition')
    }
    for (const [index, child] of children.entries()) this.condition(child, `${inner}.${index}`, depth + 1)
  }

  counted(input: unknown, path: string): Members {
    if (++this.seen > limits.maxConditions) {
      throw refuse(path, `is one too many: at most ${limits.maxConditions} conditions together`)
    }
    return object(input, path, `must be an object with one of the members ${list(members)}`)
  }

  needTrigger(path: string): void {
    if (!this.trigger) throw refuse(path, 'needs a trigger event, which there is none of here')
  }
}
