import { Button, Group, Text } from '@mantine/core'
import { Dialog } from '../../components/dialog.tsx'

interface ChangedMeanwhileProps {
  onReload: () => void
  onOverwrite: () => void
  onClose: () => void
}

/** Two who edit the same: whoever saves later decides, and overwrites nobody unseen. */
export const ChangedMeanwhile = ({ onReload, onOverwrite, onClose }: ChangedMeanwhileProps) => (
  <Dialog onClose={onClose} title="Changed meanwhile by somebody else">
    <Text size="sm">
      This template was saved in another place since you opened it. Reload shows what it is now, and your
      changes are lost; Overwrite saves yours, and theirs are lost.
    </Text>
    <Group justify="flex-end" mt="lg">
      <Button variant="default" onClick={onClose} data-autofocus>
        Cancel
      </Button>
      <Button variant="default" onClick={onReload}>
        Reload
      </Button>
      <Button color="red" onClick={onOverwrite}>
        Overwrite
      </Button>
    </Group>
  </Dialog>
)
