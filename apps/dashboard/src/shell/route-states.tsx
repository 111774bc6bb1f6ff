import { Box, Center, Container } from '@mantine/core'
import { IconMapOff } from '@tabler/icons-react'
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router'
import { EmptyState } from '../components/empty-state.tsx'
import { ErrorState } from '../components/error-state.tsx'
import { ButtonLink } from '../components/links.tsx'
import { SkeletonLines } from '../components/query-view.tsx'
import { usePageTitle } from '../lib/use-page-title.ts'

export function PagePending() {
  return (
    <Box p="xl" role="status" aria-label="Loading the page" aria-busy="true">
      <SkeletonLines />
    </Box>
  )
}

/** A page that could not be loaded or threw while it was drawn. */
export function RouteError({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  usePageTitle('Error')
  const shown = error instanceof Error ? error : new Error(String(error))
  const outdated = isOutdated(shown)
  const retry = () => {
    if (outdated) return window.location.reload()
    reset()
    router.invalidate()
  }
  return (
    <Container size="sm" py="xl">
      <ErrorState
        title={outdated ? 'The console was updated meanwhile' : 'This page could not be shown'}
        error={outdated ? new Error('Load it again to go on.') : shown}
        onRetry={retry}
      />
    </Container>
  )
}

/** After an upgrade of the server, the code that this open console would load next is no longer there. */
const isOutdated = (error: Error) =>
  /dynamically imported module|Importing a module script/.test(error.message)

export function NotFoundPage() {
  usePageTitle('Not found')
  return (
    <Center mih="60vh">
      <EmptyState
        icon={IconMapOff}
        title="There is no such page"
        actions={
          <ButtonLink to="/" variant="light">
            Back to the console
          </ButtonLink>
        }
      >
        The address may be mistyped, or what it showed was deleted.
      </EmptyState>
    </Center>
  )
}
