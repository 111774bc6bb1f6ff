import { Box, Center, Container } from '@mantine/core'
import { IconMapOff } from '@tabler/icons-react'
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { EmptyState } from '../components/empty-state.tsx'
import { ErrorState } from '../components/error-state.tsx'
import { ButtonLink } from '../components/links.tsx'
import { SkeletonLines } from '../components/query-view.tsx'
import { PageMissing } from '../lib/page.ts'
import { usePageTitle } from '../lib/use-page-title.ts'

export function PagePending() {
  return (
    <Box p="xl" role="status" aria-label="Loading the page" aria-busy="true">
      <SkeletonLines />
    </Box>
  )
}

/** A page that could not be loaded or threw while it was drawn. What surrounds it stays. */
export function RouteError({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const [retrying, setRetrying] = useState(false)
  usePageTitle('Error')
  const again = () => {
    reset()
    void router.invalidate()
  }
  const isMissing = error instanceof PageMissing
  useReloadOnceThere(isMissing)
  const retry = async () => {
    if (!isMissing) return again()
    setRetrying(true)
    // Loading the console anew is for when there is something to load: a browser would leave it for its own error page.
    if (await isServerThere()) window.location.reload()
    setRetrying(false)
  }
  return (
    <Container size="sm" py="xl">
      <ErrorState
        title={isMissing ? 'This page is not loaded yet' : 'This page could not be shown'}
        error={isMissing ? notLoaded : error instanceof Error ? error : new Error(String(error))}
        retrying={retrying}
        onRetry={retry}
      />
    </Container>
  )
}

const notLoaded = new Error(
  'Fairway does not answer, or was updated since this console was opened. Pages that were open before still work.',
)

const lookMs = 5_000
const reloadsAtMostEveryMs = 60_000
const reloadedAtKey = 'fairway-reloaded-at'

/** A browser does not fetch code again that it failed to: the page comes by loading the console anew, once the server is there. */
function useReloadOnceThere(wanted: boolean) {
  useEffect(() => {
    if (!wanted) return
    const look = async () => {
      const reloadedAt = Number(sessionStorage.getItem(reloadedAtKey) ?? 0)
      // One whose code is nowhere is not loaded for ever.
      if (Date.now() - reloadedAt < reloadsAtMostEveryMs || !(await isServerThere())) return
      sessionStorage.setItem(reloadedAtKey, String(Date.now()))
      window.location.reload()
    }
    void look()
    const timer = setInterval(look, lookMs)
    return () => clearInterval(timer)
  }, [wanted])
}

const isServerThere = () =>
  fetch('/heartbeat', { cache: 'no-store' }).then(
    ({ ok }) => ok,
    () => false,
  )

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
