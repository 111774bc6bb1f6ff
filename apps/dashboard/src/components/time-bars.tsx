import { Box, Group, Text, VisuallyHidden } from '@mantine/core'
import { useState } from 'react'
import { formatCount } from '../lib/format.ts'
import classes from './time-bars.module.css'

export interface BarSeries<Name extends string> {
  name: Name
  label: string
  /** Of the theme: "lagoon". */
  color: string
}

interface TimeBarsProps<Name extends string> {
  /** Oldest first. */
  points: ({ label: string } & Record<Name, number>)[]
  /** Stacked, the first one below. */
  series: BarSeries<Name>[]
  /** What the picture says, for those who do not see it. */
  words: string
}

const lines = 4
/** So many labels find room below the bars on a phone. */
const maxLabels = 6

/**
 * Numbers over time as bars. Plain elements, because a library for charts was half of what a cold screen transferred. The
 * column that is pointed at tells its numbers.
 */
export function TimeBars<Name extends string>({ points, series, words }: TimeBarsProps<Name>) {
  const [pointed, setPointed] = useState<number>()
  const top = topOf(Math.max(1, ...points.map((point) => sumOf(point, series))))
  const every = Math.ceil(points.length / maxLabels)
  const shown = pointed === undefined ? undefined : points[pointed]
  return (
    <>
      <div aria-hidden className={classes.chart} onPointerLeave={() => setPointed(undefined)}>
        <div className={classes.scale}>
          {Array.from({ length: lines + 1 }, (_, line) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines have no identity
            <span key={line}>{formatCount((top / lines) * (lines - line))}</span>
          ))}
        </div>
        <div className={classes.plot}>
          {points.map((point, place) => (
            <div
              // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place in time
              key={place}
              className={classes.column}
              data-pointed={pointed === place || undefined}
              onPointerEnter={() => setPointed(place)}
              onPointerDown={() => setPointed(place)}
            >
              {series.map(({ name, color }) => (
                <div
                  key={name}
                  className={classes.bar}
                  style={{
                    height: `${(point[name] / top) * 100}%`,
                    background: `light-dark(var(--mantine-color-${color}-6), var(--mantine-color-${color}-4))`,
                  }}
                />
              ))}
            </div>
          ))}
          {shown && pointed !== undefined && (
            <Box
              className={classes.tip}
              style={
                pointed < points.length / 2
                  ? { left: placeOf(pointed + 1) }
                  : { right: placeOf(points.length - pointed) }
              }
            >
              <Text size="xs" fw={600}>
                {shown.label}
              </Text>
              {series.map(({ name, label, color }) => (
                <Legend key={name} label={`${label}: ${formatCount(shown[name])}`} color={color} />
              ))}
            </Box>
          )}
        </div>
        <div className={classes.labels}>
          {points.map(({ label }, place) =>
            place % every === 0 ? (
              // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place in time
              <span key={place} style={{ left: place === 0 ? 0 : placeOf(place + 0.5) }}>
                {label}
              </span>
            ) : null,
          )}
        </div>
      </div>
      {series.length > 1 && (
        <Group gap="md" justify="center" mt={6} aria-hidden>
          {series.map(({ name, ...one }) => (
            <Legend key={name} {...one} />
          ))}
        </Group>
      )}
      <VisuallyHidden>{words}</VisuallyHidden>
    </>
  )

  function placeOf(column: number): string {
    return `${(column / points.length) * 100}%`
  }
}

const Legend = ({ label, color }: { label: string; color: string }) => (
  <Group gap={6} wrap="nowrap">
    <span
      className={classes.swatch}
      style={{ background: `light-dark(var(--mantine-color-${color}-6), var(--mantine-color-${color}-4))` }}
    />
    <Text size="xs">{label}</Text>
  </Group>
)

const sumOf = <Name extends string>(point: Record<Name, number>, series: BarSeries<Name>[]) =>
  series.reduce((sum, { name }) => sum + point[name], 0)

const roundTops = [1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 12]

/** The next round number above, which the lines divide into whole ones. */
function topOf(most: number): number {
  const step = 10 ** Math.floor(Math.log10(most))
  return roundTops
    .map((times) => Math.round(times * step))
    .find((candidate) => candidate >= most && candidate % lines === 0)!
}
