import { median, pairedRow, type Row } from '../../report.ts'
import type { Outcome } from './play.ts'

const leastJain = 0.98
const alone = 'without the attack'

/** The table of one scenario, over its runs. What must not happen is the sum of all runs, the rest their median. */
export function rowsOf(name: string, runs: Outcome[]): Row[] {
  const row = (
    what: string,
    unit: string,
    pick: (run: Outcome) => number,
    target?: Row['target'],
    peer?: (run: Outcome) => number,
  ) =>
    pairedRow(
      `${name}: ${what}`,
      unit,
      runs.map((run) => ({ ours: pick(run), ...(peer && { peer: peer(run) }) })),
      peer ? alone : null,
      target,
    )
  const never = (what: string, pick: (run: Outcome) => number) =>
    pairedRow(`${name}: ${what}`, 'jobs', [{ ours: sum(runs.map(pick)) }], null, { atMost: 0 })
  const compared = runs.every(({ sharing }) => sharing.jain !== undefined)
  const explained = runs.every(({ delivery }) => delivery.unexplained !== undefined)
  return [
    row('the attack lasts', 's', ({ floodMs }) => floodMs / 1_000),
    row('largest backlog', 'jobs', ({ sharing }) => sharing.backlog),
    row(
      'quiet tenants wait, p50',
      'ms',
      ({ flood }) => flood.p50,
      undefined,
      ({ idle }) => idle.p50,
    ),
    row(
      'quiet tenants wait, p99',
      'ms',
      ({ flood }) => flood.p99,
      { atMost: Math.round(median(runs.map(({ allowedMs }) => allowedMs))) },
      ({ idle }) => idle.p99,
    ),
    row(
      'quiet tenants wait, p99.9',
      'ms',
      ({ flood }) => flood.p999,
      undefined,
      ({ idle }) => idle.p999,
    ),
    ...(compared
      ? [
          row('equal service of those with work, Jain', '', ({ sharing }) => sharing.jain!, {
            atLeast: leastJain,
          }),
        ]
      : []),
    row('longest time with work and no service', 'ms', ({ sharing }) => sharing.starvation),
    row('slots free although work was ready', '%', ({ sharing }) => sharing.idle * 100),
    row('quiet tenants as before, after', 'ms', ({ recoveryMs }) => recoveryMs),
    row(
      'memory of a worker, at most',
      'MB',
      ({ floodMegabytes }) => floodMegabytes,
      undefined,
      ({ idleMegabytes }) => idleMegabytes,
    ),
    row('jobs stored', 'jobs', ({ delivery }) => delivery.stored),
    never('lost', ({ delivery }) => delivery.lost),
    never('left over', ({ delivery }) => delivery.left),
    ...(explained
      ? [
          row('run twice', 'jobs', ({ delivery }) => delivery.twice),
          never('run twice, not in the hands of what was killed', ({ delivery }) => delivery.unexplained!),
        ]
      : [never('run twice', ({ delivery }) => delivery.twice)]),
    never('out of order within their key', ({ delivery }) => delivery.wrongOrder),
    never('run before they were due', ({ delivery }) => delivery.early),
  ]
}

export function missed(rows: Row[]): Row[] {
  return rows.filter(
    ({ target, ours }) =>
      (target?.atMost !== undefined && !(ours <= target.atMost)) ||
      (target?.atLeast !== undefined && !(ours >= target.atLeast)),
  )
}

/** The one thing that is not a matter of speed. */
export const broken = (runs: Outcome[]): boolean =>
  runs.some(({ delivery }) => delivery.lost > 0 || delivery.wrongOrder > 0)

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
