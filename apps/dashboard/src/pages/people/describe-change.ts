import type { Json, Properties } from '@fairway/api'
import { formatValue } from '../../lib/format.ts'

/** A change of a person in words. */
export function describeChange(kind: string, detail: Properties): string {
  switch (kind) {
    case 'updated':
      return `Changed ${[...fields(without(detail, 'properties')), ...fields(bag(detail.properties))].join('; ')}`
    case 'tags':
      return `Tags: ${addedAndRemoved(detail)}`
    case 'devices':
      return `Devices: ${addedAndRemoved(detail)}`
    case 'topics':
      return `Topics: ${fields(detail).join('; ')}`
    case 'subscription':
      if (typeof detail.topic === 'string') return `Unsubscribed from topic ${detail.topic}`
      return detail.subscribed ? 'Subscribed to marketing mail' : 'Unsubscribed from marketing mail'
    case 'suppression':
      return detail.suppressed ? 'Suppressed: nothing is sent any more' : 'Suppression lifted'
    case 'merged':
      return `Merged: ${formatList(detail.from)} turned out to be the same person, known as ${formatValue(detail.into)} since then`
    default:
      return [kind.replaceAll('_', ' '), ...fields(detail)].join(' · ')
  }
}

const bag = (value: Json | undefined): Properties =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}

const without = (detail: Properties, name: string): Properties =>
  Object.fromEntries(Object.entries(detail).filter(([key]) => key !== name))

const fields = (detail: Properties): string[] =>
  Object.entries(detail).map(([name, value]) => `${name.replaceAll('_', ' ')}: ${describeValue(value)}`)

/** `{from, to}` as "from → to"; a value that was too long to be kept says so. */
function describeValue(value: Json): string {
  const { from, to, long } = bag(value)
  if (long === true) return 'a long value'
  if (to === undefined) return formatValue(value)
  return from === null || from === undefined ? formatValue(to) : `${formatValue(from)} → ${formatValue(to)}`
}

function addedAndRemoved({ added = [], removed = [] }: Properties): string {
  const signed = (sign: string, values: Json): string[] =>
    (Array.isArray(values) ? values : []).map((value) => `${sign}${formatValue(value)}`)
  return [...signed('+', added), ...signed('−', removed)].join(', ')
}

const formatList = (value: Json | undefined): string =>
  Array.isArray(value) ? value.map(formatValue).join(', ') : formatValue(value)
