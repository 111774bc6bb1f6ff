import { InvalidOption } from './errors.ts'
import { limits } from './limits.ts'
import type { Handlers } from './queue.ts'
import type { LaneConfig, RetryPolicy } from './types.ts'

/**
 * Options come from programs without types, from files and from arithmetic: what is no number, or none that makes sense, is
 * refused where it comes in. Left out, undefined and null stand for the default.
 */
interface Range {
  least: number
  /** Default: any. */
  most?: number
  /** Default true. */
  whole?: boolean
}

const maxLeaseMs = 3_600_000

/** @throws InvalidOption that names the option and what it must be */
export function numberOption<Default>(
  name: string,
  value: unknown,
  fallback: Default,
  { least, most = Number.MAX_SAFE_INTEGER, whole = true }: Range,
): number | Default {
  if (value === undefined || value === null) return fallback
  const fits = typeof value === 'number' && value >= least && value <= most
  if (fits && (!whole || Number.isInteger(value))) return value
  const range = most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of ${least} or more`
  throw new InvalidOption(
    name,
    `${name} must be a ${whole ? 'whole ' : ''}number ${range}, not ${show(value)}`,
  )
}

export const leaseOption = (value: unknown, fallback: number): number =>
  numberOption('leaseMs', value, fallback, { least: 50, most: maxLeaseMs })

/** A limit of Infinity is none. */
export const timeoutOption = (name: string, value: unknown, fallback: number): number =>
  numberOption(name, value, fallback, { least: 1, most: Number.POSITIVE_INFINITY, whole: false })

export const bytesOption = <Default>(name: string, value: unknown, fallback: Default): number | Default =>
  numberOption(name, value, fallback, { least: 1, most: Number.POSITIVE_INFINITY, whole: false })

export function retryOption(given: RetryPolicy | undefined, fallback: Required<RetryPolicy>) {
  const { maxAttempts, baseMs, maxMs } = given ?? {}
  return {
    maxAttempts: numberOption('retry.maxAttempts', maxAttempts, fallback.maxAttempts, {
      least: 1,
      most: 1_000_000,
    }),
    baseMs: numberOption('retry.baseMs', baseMs, fallback.baseMs, {
      least: 0,
      most: limits.delayMs,
      whole: false,
    }),
    maxMs: numberOption('retry.maxMs', maxMs, fallback.maxMs, {
      least: 0,
      most: limits.delayMs,
      whole: false,
    }),
  }
}

/** What tenants may have waiting in a lane, unless their controls say otherwise. */
export function quotasOption<Given extends { maxJobs?: number; maxBytes?: number }>(quotas: Given): Given {
  for (const name of ['maxJobs', 'maxBytes'] as const)
    numberOption(`quotas.${name}`, quotas[name], undefined, { least: 0 })
  return quotas
}

export function lanesOption(lanes: Record<string, LaneConfig> | undefined): [string, LaneConfig][] {
  const named = Object.entries(lanes ?? {})
  if (named.length === 0) throw new InvalidOption('lanes', 'A worker needs at least one lane')
  for (const [lane, config] of named) {
    const of = `lanes.${lane}`
    if (lane === '' || lane.length > limits.nameLength || typeof config !== 'object' || config === null)
      throw new InvalidOption(
        of,
        `A lane has a name of 1 to ${limits.nameLength} characters and an object of settings`,
      )
    numberOption(`${of}.weight`, config.weight, 1, { least: 1e-6, most: 1e6, whole: false })
    numberOption(`${of}.reserved`, config.reserved, 0, { least: 0, most: 1, whole: false })
    numberOption(`${of}.slots`, config.slots, 1, { least: 1 })
    numberOption(`${of}.spare`, config.spare, 0, { least: 0 })
    if (config.yields !== undefined && config.yields !== 'backlog' && config.yields !== 'all')
      throw new InvalidOption(`${of}.yields`, `${of}.yields must be "backlog", "all" or left out`)
  }
  return named
}

/** By name. A map has no names of its own: a job called `constructor` finds a handler only if there is one. */
export function handlersOption(handlers: Handlers): Map<string, Handlers[string]> {
  const byName = new Map(Object.entries(handlers ?? {}))
  for (const [name, handler] of byName) {
    const run = typeof handler === 'object' ? handler?.batch : handler
    if (typeof run !== 'function')
      throw new InvalidOption(
        `handlers.${name}`,
        `The handler of "${name}" must be a function, or an object with the function \`batch\``,
      )
    if (typeof handler !== 'object') continue
    numberOption(`handlers.${name}.maxBatch`, handler.maxBatch, 1, { least: 1 })
    timeoutOption(`handlers.${name}.timeoutMs`, handler.timeoutMs, 1)
  }
  return byName
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 50))
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `of type ${typeof value}`
}
