import { option, quick } from '../../report.ts'

/** 1: the sizes the scenarios are named for. */
export const scale = option('scale', quick ? 0.03 : 0.1)

/** `full` jobs (or whatever) at `--scale 1`, and never less than `least`, of which `--quick` takes the half. */
export const sized = (full: number, least: number) =>
  Math.max(Math.round(full * scale), quick ? least / 2 : least)

export const idleSeconds = quick ? 4 : 8
/** Quiet tenants are watched so long after the attack is over. */
export const afterSeconds = quick ? 2 : 4
/** What has not ended by then is not waited for. */
export const patienceSeconds = quick ? 60 : 120 + 900 * scale

export const count = (value: number) => value.toLocaleString('en')
