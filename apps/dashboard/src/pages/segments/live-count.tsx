import type { Person, SegmentPreview } from '@fairway/api'
import { Group, Loader, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useSegmentPreview } from '../../api/segments.ts'
import { busyWords } from '../../components/busy-note.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { AnchorLink } from '../../components/links.tsx'
import { Section } from '../../components/section.tsx'
import type { Condition } from '../../conditions/language.ts'
import { formatNumber, plural } from '../../lib/format.ts'
import { personName } from '../people/person-name.ts'

/** Long enough to finish a word, short enough to feel at once. */
const settleMs = 400

interface LiveCountProps {
  project: string
  /** Null while they are not complete. */
  conditions: Condition | null
}

/** How many people match what is being edited: an estimate at once, then the exact number; and ten of them. */
export function LiveCount({ project, conditions }: LiveCountProps) {
  const [settled] = useDebouncedValue(conditions, settleMs)
  const { preview, error, counting, busy } = useSegmentPreview(project, settled)
  return (
    <Section title="Matches now">
      {error ? (
        <ErrorState title="Could not count" error={error} />
      ) : (
        <Stack gap="md">
          <Group gap="sm" role="status" aria-live="polite" mih={44}>
            <Count preview={conditions === null ? undefined : preview} counting={counting} busy={busy} />
          </Group>
          {conditions !== null && preview && <Sample project={project} people={preview.sample} />}
        </Stack>
      )}
    </Section>
  )
}

interface CountProps {
  preview: SegmentPreview | undefined
  counting: boolean
  busy: boolean
}

function Count({ preview, counting, busy }: CountProps) {
  const still = busy ? busyWords : 'Counting…'
  if (!preview)
    return (
      <Text size="sm" c="dimmed">
        {counting ? still : 'The number appears when the conditions are complete.'}
      </Text>
    )
  const { count, exact, sampled, total } = preview
  const share = total > 0 ? ` of ${plural(total, 'person', 'people')}` : ''
  return (
    <div>
      <Group gap="xs" align="baseline">
        <Text fz={28} fw={680} lh={1.2}>
          {exact ? formatNumber(count) : `about ${formatNumber(roundEstimate(count))}`}
        </Text>
        {!exact && counting && <Loader size={14} aria-hidden />}
      </Group>
      <Text size="sm" c="dimmed">
        {exact
          ? `${count === 1 ? 'person' : 'people'} exactly${share && `,${share}`}`
          : `people, estimated from ${formatNumber(sampled ?? 0)}${share}${counting ? `; ${busy ? busyWords.toLowerCase() : 'counting exactly…'}` : ''}`}
      </Text>
    </div>
  )
}

/** To three digits: an estimate has no more. */
const roundEstimate = (count: number) => Number(count.toPrecision(3))

function Sample({ project, people }: { project: string; people: Person[] }) {
  if (people.length === 0) return null
  return (
    <div>
      <Text size="sm" fw={600} mb={4}>
        {people.length === 1 ? 'One of them' : 'Some of them'}
      </Text>
      <Stack gap={4} component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
        {people.map((person) => (
          <li key={person.id}>
            <AnchorLink
              to="/projects/$project/people/$person"
              params={{ project, person: String(person.id) }}
              target="_blank"
              size="sm"
              style={{ overflowWrap: 'anywhere' }}
            >
              {personName(person)}
            </AnchorLink>
          </li>
        ))}
      </Stack>
    </div>
  )
}
