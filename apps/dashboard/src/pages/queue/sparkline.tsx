import classes from './lane-card.module.css'

const width = 96
const height = 28
/** Fewer are no curve. */
const leastValues = 3

/** How a number went, without axes: the number itself stands beside it. */
export function Sparkline({ values }: { values: number[] }) {
  const most = Math.max(...values)
  if (values.length < leastValues || most === 0) return null
  const points = values.map((value, index) => {
    const x = (index / (values.length - 1)) * width
    const y = height - 1 - (value / most) * (height - 2)
    return `${x.toFixed(1)},${y.toFixed(1)}`
  })
  return (
    <svg width={width} height={height} className={classes.line} aria-hidden>
      <title>Waiting since this page was opened</title>
      <polyline points={points.join(' ')} />
    </svg>
  )
}
