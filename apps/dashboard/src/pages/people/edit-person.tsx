import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPencil } from '@tabler/icons-react'
import { lazy, Suspense } from 'react'
import { NeedsRight } from '../../components/needs-right.tsx'
import type { EditPersonProps } from './edit-dialog.tsx'

// Most look at a person and change nothing.
const EditDialog = lazy(() => import('./edit-dialog.tsx'))

export function EditPerson(props: EditPersonProps) {
  const [opened, dialog] = useDisclosure(false)
  return (
    <>
      <NeedsRight right="people.edit">
        <Button variant="default" leftSection={<IconPencil size={16} aria-hidden />} onClick={dialog.open}>
          Edit
        </Button>
      </NeedsRight>
      {opened && (
        <Suspense fallback={null}>
          <EditDialog {...props} onClose={dialog.close} />
        </Suspense>
      )}
    </>
  )
}
