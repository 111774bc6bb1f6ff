import type { Person } from '@fairway/api'
import { Badge } from '@mantine/core'

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
