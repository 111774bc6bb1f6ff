import Type, { type Static } from 'typebox'
import { allowOnly, object, refuse } from '../check.ts'
import type { SqlContext } from '../sql-context.ts'
import { closed } from './schemas.ts'
import {
  checkDuration,
  checkTime,
  describeDuration,
  describeTime,
  durationMs,
  durationSchema,
  offsetsOfTime,
  timeOf,
  timeSchema,
} from './time.ts'

/** Between which times something happened. */
export const windowSchema = Type.Union([
  Type.Object({ last: durationSchema }, closed),
  /** From `after` on, and before `before`. */
  Type.Object({ after: Type.Optional(timeSchema), before: Type.Optional(timeSchema) }, closed),
])
export type Window = Static<typeof windowSchema>

export function checkWindow(input: unknown, path: string): void {
  const hint =
    'must be an object such as {"last": {"days": 30}} or {"after": "2026-11-01", "before": {"ago": {"days": 1}}}'
  const members = object(input, path, hint)
  if (members.last !== undefined) {
    allowOnly(members, path, ['last'])
    checkDuration(members.last, `${path}.last`)
    return
  }
  allowOnly(members, path, ['after', 'before'])
  if (members.after === undefined && members.before === undefined) throw refuse(path, hint)
  for (const name of ['after', 'before'] as const)
    if (members[name] !== undefined) checkTime(members[name], `${path}.${name}`)
}

export function describeWindow(window: Window): string {
  if ('last' in window) return `in the last ${describeDuration(window.last)}`
  const words: string[] = []
  if (window.after !== undefined) words.push(`from ${describeTime(window.after)}`)
  if (window.before !== undefined) words.push(`before ${describeTime(window.before)}`)
  return words.join(' ')
}

/** Nothing before it is in the window; epoch ms. */
export function windowStart(window: Window, now: Date): number {
  if ('last' in window) return now.getTime() - durationMs(window.last)
  return window.after === undefined ? Number.NEGATIVE_INFINITY : timeOf(window.after, now)
}

export function windowTest(window: Window): (at: number, now: Date) => boolean {
  if ('last' in window) {
    const length = durationMs(window.last)
    return (at, now) => at >= now.getTime() - length
  }
  const { after, before } = window
  return (at, now) =>
    (after === undefined || at >= timeOf(after, now)) && (before === undefined || at < timeOf(before, now))
}

/** The counterpart of {@link windowTest}: what a row must pass. */
export function windowSql(time: string, window: Window, { parameters, now }: SqlContext): string[] {
  const at = (ms: number) => parameters.add(new Date(ms), 'timestamptz')
  if ('last' in window) return [`${time} >= ${at(now.getTime() - durationMs(window.last))}`]
  return [
    ...(window.after === undefined ? [] : [`${time} >= ${at(timeOf(window.after, now))}`]),
    ...(window.before === undefined ? [] : [`${time} < ${at(timeOf(window.before, now))}`]),
  ]
}

export const windowOffsets = (window: Window): number[] =>
  'last' in window
    ? [-durationMs(window.last)]
    : [...offsetsOfTime(window.after), ...offsetsOfTime(window.before)]
