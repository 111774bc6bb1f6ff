import { Text, type TextProps } from '@mantine/core'
import { formatFullDateTime, formatRelative } from '../lib/format.ts'
import { useNow } from '../lib/use-now.ts'

/** "3 minutes ago"; the exact time in the title. */
export function TimeAgo({ at, ...text }: { at: string | null | undefined } & TextProps) {
  const now = useNow()
  if (!at) return <span>—</span>
  const time = new Date(at)
  // What has happened since the clock of this page last moved is not ahead.
  const since = time.getTime() <= Date.now() ? Math.max(now, time.getTime()) : now
  return (
    <Text span inherit={text.size === undefined} {...text} style={{ whiteSpace: 'nowrap' }}>
      <time dateTime={time.toISOString()} title={formatFullDateTime(time)}>
        {formatRelative(time.getTime(), since)}
      </time>
    </Text>
  )
}
