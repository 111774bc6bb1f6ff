import { Text } from '@mantine/core'

/** Types of values that an operator of numbers or of dates reads. */
const readAs = { number: ['number', 'text'], date: ['date', 'number'] }

interface TypeDoubtProps {
  takes: keyof typeof readAs
  /** Of the values that the property was seen with. */
  types: string[]
}

/** Of a property whose values an operator can't read: it would match nobody, and say no word. */
export function TypeDoubt({ takes, types }: TypeDoubtProps) {
  const unread = types.filter((type) => !readAs[takes].includes(type))
  if (unread.length === 0) return null
  const what = takes === 'date' ? 'dates' : 'numbers'
  const cure =
    takes === 'date' ? ' Send them as 2026-12-31, or import the column again with the type Date.' : ''
  return (
    <Text size="xs" c="red" w="100%">
      {unread.length === types.length
        ? `Its values are no ${what} but ${unread.join(', ')}: nobody matches.${cure}`
        : `Some of its values are no ${what} but ${unread.join(', ')}: these match nobody.${cure}`}
    </Text>
  )
}
