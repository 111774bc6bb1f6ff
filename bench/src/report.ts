import { mkdirSync, writeFileSync } from 'node:fs'
import os from 'node:os'

export interface Row {
  case: string
  unit: string
  /** Median over the runs. */
  ours: number
  /** Median over the runs, of the peer or the bare limit; null where there is nothing to compare with. */
  peer: number | null
  peerName: string | null
  /** Median of the ratios ours / peer, run by run. */
  ratio: number | null
  /** What the project aims at: least or most of the ratio or of `ours`. */
  target?: { ratio?: number; ratioAtMost?: number; atLeast?: number; atMost?: number }
}

export const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** One row from runs that were made in pairs, so that a machine that slows down slows both. */
export function pairedRow(
  name: string,
  unit: string,
  runs: { ours: number; peer?: number }[],
  peerName: string | null,
  target?: Row['target'],
): Row {
  const peers = runs.flatMap(({ peer }) => (peer === undefined ? [] : [peer]))
  const paired = peers.length === runs.length
  return {
    case: name,
    unit,
    ours: round(median(runs.map(({ ours }) => ours))),
    peer: paired ? round(median(peers)) : null,
    peerName: paired ? peerName : null,
    ratio: paired ? round(median(runs.map(({ ours, peer }) => ours / peer!))) : null,
    ...(target && { target }),
  }
}

/**
 * Prints the table, rows that miss their target included and marked, and writes `bench/results/NAME.json`, together with
 * `more`: sizes, single samples and whatever else a reader of the rows may ask for.
 */
export function report(name: string, rows: Row[], more: Record<string, unknown> = {}): void {
  const machine = {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    node: process.version,
    platform: `${os.platform()} ${os.release()}`,
  }
  const directory = new URL('../results/', import.meta.url)
  mkdirSync(directory, { recursive: true })
  writeFileSync(
    new URL(`${name}.json`, directory),
    `${JSON.stringify({ name, machine, ...more, rows }, null, 2)}\n`,
  )
  console.log(`\n${name} · ${machine.cpu}, ${machine.cores} cores, node ${machine.node}`)
  console.table(
    rows.map((row) => ({
      case: row.case,
      ours: `${row.ours.toLocaleString('en')} ${row.unit}`,
      peer: row.peer === null ? '' : `${row.peer.toLocaleString('en')} (${row.peerName})`,
      ratio: row.ratio ?? '',
      target: describeTarget(row),
    })),
  )
}

function describeTarget({ target, ratio, ours }: Row): string {
  if (!target) return ''
  const parts = []
  if (target.ratio !== undefined) parts.push([`≥ ${target.ratio}×`, (ratio ?? 0) >= target.ratio] as const)
  if (target.ratioAtMost !== undefined)
    parts.push([`≤ ${target.ratioAtMost}×`, ratio !== null && ratio <= target.ratioAtMost] as const)
  if (target.atLeast !== undefined)
    parts.push([`≥ ${target.atLeast.toLocaleString('en')}`, ours >= target.atLeast] as const)
  if (target.atMost !== undefined)
    parts.push([`≤ ${target.atMost.toLocaleString('en')}`, ours <= target.atMost] as const)
  return parts.map(([text, met]) => `${text} ${met ? 'met' : 'MISSED'}`).join(', ')
}

function round(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}

/** `--runs 5`, `--quick` and the like from the command line. */
export function option(name: string, fallback: number): number {
  const index = process.argv.indexOf(`--${name}`)
  return index < 0 ? fallback : Number(process.argv[index + 1])
}
/** `--only a,b` from the command line. */
export function words(name: string, fallback: string[]): string[] {
  const index = process.argv.indexOf(`--${name}`)
  return index < 0 ? fallback : process.argv[index + 1]!.split(',')
}
export const quick = process.argv.includes('--quick')
export const runs = option('runs', quick ? 1 : 5)
