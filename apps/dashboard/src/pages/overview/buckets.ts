import type { Overview } from '@fairway/api'

type Point = Overview['series'][number]

export interface Bucket {
  label: string
  events: number
  sent: number
  kept: number
  failed: number
}

const hourLabel = new Intl.DateTimeFormat(undefined, { hour: 'numeric' })
const weekdayLabel = new Intl.DateTimeFormat(undefined, { weekday: 'short', hour: 'numeric' })
const dayLabel = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })

/** Hours for a day, quarters of days for a week, days for a month: few enough points that each can be seen. */
export function toBuckets(series: Point[]): Bucket[] {
  const name = series.length <= 48 ? hour : series.length <= 200 ? quarter : day
  const buckets = new Map<string, Bucket>()
  for (const { at, events, sent, kept, failed } of series) {
    const { key, label } = name(new Date(at))
    const bucket = buckets.get(key) ?? { label, events: 0, sent: 0, kept: 0, failed: 0 }
    bucket.events += events
    bucket.sent += sent
    bucket.kept += kept
    bucket.failed += failed
    buckets.set(key, bucket)
  }
  return [...buckets.values()]
}

const hour = (at: Date) => ({ key: at.toISOString(), label: hourLabel.format(at) })

function quarter(at: Date) {
  const start = new Date(at)
  start.setHours(Math.floor(at.getHours() / 6) * 6, 0, 0, 0)
  return { key: start.toISOString(), label: weekdayLabel.format(start) }
}

const day = (at: Date) => ({ key: at.toDateString(), label: dayLabel.format(at) })
