import { Button, Group, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { type Segment, useSaveSegment } from '../../api/segments.ts'
import { Dialog } from '../../components/dialog.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'

interface RenameSegmentProps {
  project: string
  segment: Segment
}

export function RenameSegment({ project, segment }: RenameSegmentProps) {
  const [opened, dialog] = useDisclosure(false)
  return (
    <>
      <Button variant="default" onClick={dialog.open}>
        Rename
      </Button>
      <Dialog opened={opened} onClose={dialog.close} title="Rename the segment">
        <RenameForm project={project} segment={segment} onDone={dialog.close} />
      </Dialog>
    </>
  )
}

function RenameForm({ project, segment, onDone }: RenameSegmentProps & { onDone: () => void }) {
  const [name, setName] = useState(segment.name)
  const save = useSaveSegment(project, segment.id)
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    save.mutate(
      { name: name.trim() },
      {
        onSuccess: () => {
          notifySuccess('Segment renamed')
          onDone()
        },
        onError: (error) => notifyError('Could not rename it', error),
      },
    )
  }
  return (
    <form onSubmit={submit}>
      <TextInput
        label="Name"
        required
        data-autofocus
        maxLength={200}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
        <Button type="submit" loading={save.isPending} disabled={name.trim() === ''}>
          Rename
        </Button>
      </Group>
    </form>
  )
}
