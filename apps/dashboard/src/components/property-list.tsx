import { Text } from '@mantine/core'
import { formatValue } from '../lib/format.ts'
import classes from './property-list.module.css'

/** Names and values side by side; a long value wraps. */
export function PropertyList({ entries, label }: { entries: [string, React.ReactNode][]; label: string }) {
  return (
    <dl className={classes.list} aria-label={label}>
      {entries.map(([name, value]) => (
        <div key={name} className={classes.item}>
          <Text component="dt" size="sm" c="dimmed" className={classes.wrap}>
            {name}
          </Text>
          <Text component="dd" size="sm" m={0} className={classes.wrap}>
            {value}
          </Text>
        </div>
      ))}
    </dl>
  )
}

/** The entries of a bag of JSON properties, by name. */
export const propertyEntries = (properties: Record<string, unknown>): [string, React.ReactNode][] =>
  Object.keys(properties)
    .sort((a, b) => a.localeCompare(b))
    .map((name) => [name, formatValue(properties[name])])
