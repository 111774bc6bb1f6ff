import { Stack } from '@mantine/core'
import { useSessionStorage } from '@mantine/hooks'
import { getRouteApi } from '@tanstack/react-router'
import { PageHeader } from '../../components/page-header.tsx'
import { firstKeySlot } from '../../lib/first-key.ts'
import { FirstEventStep } from './first-event-step.tsx'
import { KeyStep } from './key-step.tsx'
import { SnippetStep } from './snippet-step.tsx'
import { TestMailStep } from './test-mail-step.tsx'

const route = getRouteApi('/signed-in/projects/$project/first-steps')

export function FirstStepsPage() {
  const { project } = route.useParams()

  const [key, setKey] = useSessionStorage({ key: firstKeySlot(project), defaultValue: '' })
  return (
    <>
      <PageHeader
        title="First steps"
        description="From an empty project to a mail you can read. Everything here is the real thing."
      />
      <Stack gap="lg" maw={860}>
        <KeyStep project={project} apiKey={key} onKey={setKey} />
        <SnippetStep apiKey={key} />
        <FirstEventStep project={project} />
        <TestMailStep project={project} />
      </Stack>
    </>
  )
}
