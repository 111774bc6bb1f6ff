import type { Erasure } from '@fairway/api'
import { Text } from '@mantine/core'
import { PropertyList } from '../../components/property-list.tsx'
import { formatFullDateTime, formatNumber } from '../../lib/format.ts'

/** What an erasure removed. */
export const Receipt = ({ erasure }: { erasure: Erasure }) => (
  <>
    <PropertyList
      label="Receipt"
      entries={[
        ['Receipt', erasure.id],
        ['Erased', formatFullDateTime(erasure.erasedAt)],
        ['Asked for by', erasure.requestedBy],
        ...Object.entries(erasure.removed).map(([kind, count]): [string, React.ReactNode] => [
          removedWords(kind),
          formatNumber(count),
        ]),
      ]}
    />
    <Text size="sm" c="dimmed">
      {erasure.note}
    </Text>
  </>
)

/** "deviceTokens" as "Device tokens". */
const removedWords = (kind: string) => {
  const words = kind
    .replaceAll('_', ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
