import { Card, Center, Stack, Text, Title } from '@mantine/core'
import { usePageTitle } from '../lib/use-page-title.ts'
import { Logo } from '../shell/logo.tsx'
import { NewProjectForm } from '../shell/new-project-dialog.tsx'

/** Signed in, but without a project yet. */
export function NoProjectPage() {
  usePageTitle('Welcome')
  return (
    <Center component="main" mih="100dvh" p="md" bg="var(--fw-canvas)">
      <Stack w="100%" maw={480} gap="lg">
        <Logo size={40} />
        <div>
          <Title order={1}>Welcome to Fairway</Title>
          <Text c="dimmed" mt={4}>
            Start with a project: one product whose people you write to.
          </Text>
        </div>
        <Card padding="xl">
          <NewProjectForm />
        </Card>
      </Stack>
    </Center>
  )
}
