import { Badge } from '@mantine/core'
import type { Person } from '../../api/types.ts'

/** Whether somebody gets mail. */
export function Reachability({ person }: { person: Pick<Person, 'subscribed' | 'suppressed'> }) {
  const [color, word] = person.suppressed
    ? ['red', 'Suppressed']
    : person.subscribed
      ? ['lagoon', 'Subscribed']
      : ['yellow', 'Unsubscribed']
  return (
    <Badge color={color} variant="light" tt="none">
      {word}
    </Badge>
  )
}
