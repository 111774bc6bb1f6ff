import classes from './lane-card.module.css'

const minMs = 1
const maxMs = 3_600_000
const longMs = 60_000
const ticks = [
  [1, '1 ms'],
  [1_000, '1 s'],
  [60_000, '1 min'],
  [3_600_000, '1 h'],
] as const

/** From the median to the 99th of 100, on a scale where each step is ten times the one before. */
export function WaitBar({ p50Ms, p99Ms }: { p50Ms: number; p99Ms: number }) {
  const from = placeOf(p50Ms)
  return (
    <div aria-hidden>
      <div className={classes.track}>
        <div
          className={classes.span}
          data-long={p99Ms >= longMs || undefined}
          style={{ left: `${Math.min(from, 97)}%`, width: `${placeOf(p99Ms) - from}%` }}
        />
      </div>
      <div className={classes.scale}>
        {ticks.map(([ms, label]) => (
          <span key={ms} className={classes.tick} style={{ left: `${placeOf(ms)}%` }}>
            {label}
          </span>
        ))}
      </div>
    </div>
  )
}

/** Percent of the width. */
const placeOf = (ms: number) =>
  (Math.log(Math.min(maxMs, Math.max(minMs, ms)) / minMs) / Math.log(maxMs / minMs)) * 100
