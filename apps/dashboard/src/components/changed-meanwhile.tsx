import { Box, Button, Group, Text } from '@mantine/core'
import { Dialog } from './dialog.tsx'

/** One thing that both changed: as it is stored now, and as it is here. */
export interface Difference {
  label: string
  theirs: string
  mine: string
}

interface ChangedMeanwhileProps {
  differences: Difference[]
  /** The labels of what only they changed, and of what only was changed here: nothing to decide about. */
  takenOver: string[]
  kept: string[]
  onTakeTheirs: () => void
  onKeepMine: () => void
  onClose: () => void
}

/** Two who edit the same: whoever saves later sees what the other wrote, and decides. */
const ChangedMeanwhile = ({
  differences,
  takenOver,
  kept,
  onTakeTheirs,
  onKeepMine,
  onClose,
}: ChangedMeanwhileProps) => (
  <Dialog onClose={onClose} title="Changed meanwhile by somebody else" size="lg">
    <Text size="sm">
      Somebody else saved this since you opened it, and both of you changed what stands below. “Take theirs”
      leaves that as it is stored now; “Keep mine” saves yours in its place.
    </Text>
    {differences.map(({ label, theirs, mine }) => (
      <Box key={label} mt="md" component="section" aria-label={label}>
        <Text size="sm" fw={600}>
          {label}
        </Text>
        <Version name="Theirs" text={theirs} />
        <Version name="Yours" text={mine} />
      </Box>
    ))}
    {takenOver.length > 0 && (
      <Text size="sm" mt="md">
        Only they changed: {takenOver.join(', ')}. That stays as they saved it.
      </Text>
    )}
    {kept.length > 0 && (
      <Text size="sm" mt="md">
        Only you changed: {kept.join(', ')}. That is saved either way.
      </Text>
    )}
    <Group justify="flex-end" mt="lg">
      <Button variant="default" onClick={onClose} data-autofocus>
        Cancel
      </Button>
      <Button variant="default" onClick={onTakeTheirs}>
        Take theirs
      </Button>
      <Button color="red" onClick={onKeepMine}>
        Keep mine
      </Button>
    </Group>
  </Dialog>
)

const Version = ({ name, text }: { name: string; text: string }) => (
  <Group gap="sm" align="flex-start" wrap="nowrap">
    <Text size="sm" c="dimmed" w={60} style={{ flexShrink: 0 }}>
      {name}
    </Text>
    <Text
      size="sm"
      mah={160}
      style={{ overflow: 'auto', overflowWrap: 'anywhere', whiteSpace: 'pre-wrap', minWidth: 0 }}
    >
      {text}
    </Text>
  </Group>
)

export default ChangedMeanwhile
