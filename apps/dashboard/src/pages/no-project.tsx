import { Card, Center, Stack, Text, Title } from '@mantine/core'
import { useOrganizationsForProjects } from '../api/rights.ts'
import { usePageTitle } from '../lib/use-page-title.ts'
import { Logo } from '../shell/logo.tsx'
import { NewProjectForm } from '../shell/new-project-dialog.tsx'

/** Signed in, but without a project yet. */
export function NoProjectPage() {
  usePageTitle('Welcome')
  const mayCreate = useOrganizationsForProjects().length > 0
  return (
    <Center component="main" mih="100dvh" p="md" bg="var(--fw-canvas)">
      <Stack w="100%" maw={480} gap="lg">
        <Logo size={40} />
        <div>
          <Title order={1}>Welcome to Fairway</Title>
          <Text c="dimmed" mt={4}>
            {mayCreate
              ? 'Start with a project: one product whose people you write to.'
              : 'There is no project that you may see. Ask an owner of your organization for access.'}
          </Text>
        </div>
        {mayCreate && (
          <Card padding="xl">
            <NewProjectForm />
          </Card>
        )}
      </Stack>
    </Center>
  )
}
