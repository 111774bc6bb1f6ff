import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { sessionQuery } from '../api/session.ts'
import { useAnyUnsaved } from '../lib/unsaved-forms.ts'

const lookMs = 3_000

/**
 * Leads to the sign-in page when the session ended while the console was open, and back here afterwards. What was typed and not
 * saved is not left for that: the page stays, says so, and goes on when somebody signed in in another tab.
 */
export function useSessionGuard() {
  const { data } = useQuery({
    ...sessionQuery,
    refetchInterval: ({ state }) => state.data === null && lookMs,
    refetchOnWindowFocus: ({ state }) => (state.data === null ? 'always' : true),
  })
  const ended = data === null
  const unsaved = useAnyUnsaved()
  const router = useRouter()
  useEffect(() => {
    // The address of this moment: following it while the sign-in page opens would put that page into its own address.
    if (ended && !unsaved)
      router.navigate({ to: '/sign-in', search: { redirect: router.latestLocation.href }, replace: true })
  }, [ended, unsaved, router])

  const client = useQueryClient()
  const wasEnded = useRef(false)
  useEffect(() => {
    // Somebody is back: what was refused meanwhile is read again, and what they may do.
    if (!ended && wasEnded.current)
      void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionQuery.queryKey[0] })
    wasEnded.current = ended
  }, [ended, client])
}
