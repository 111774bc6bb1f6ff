import { Button, Group, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { readSegment, type Segment, useSaveSegment } from '../../api/segments.ts'
import { Dialog } from '../../components/dialog.tsx'
import { useCarefulSave } from '../../lib/careful-save.tsx'
import { notifySuccess } from '../../lib/notify.tsx'
import { useUnsaved } from '../../lib/unsaved.tsx'

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
      {opened && <RenameDialog project={project} segment={segment} onClose={dialog.close} />}
    </>
  )
}

function RenameDialog({ project, segment, onClose }: RenameSegmentProps & { onClose: () => void }) {
  const [name, setName] = useState(segment.name)
  const unsaved = useUnsaved(name)
  const save = useCarefulSave({
    stored: segment,
    draft: name,
    toDraft: (stored) => stored.name,
    fields: (shown) => [['Name', shown]],
    save: useSaveSegment(project, segment.id),
    readAgain: () => readSegment(project, segment.id),
    onTake: (theirs) => {
      setName(theirs)
      unsaved.markSaved(theirs)
    },
  })
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    void save.write(
      (written) => ({ name: written.trim() }),
      () => {
        unsaved.markSaved()
        notifySuccess('Segment renamed')
        onClose()
      },
    )
  }
  const close = () => unsaved.leave(onClose)
  return (
    <Dialog onClose={close} title="Rename the segment">
      {unsaved.guard}
      {save.dialog}
      <form onSubmit={submit}>
        <TextInput
          label="Name"
          required
          data-autofocus
          maxLength={200}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={save.error?.message}
        />
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={name.trim() === ''}>
            Rename
          </Button>
        </Group>
      </form>
    </Dialog>
  )
}
