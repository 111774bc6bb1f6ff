import { useQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'
import { sessionQuery } from '../api/session.ts'

/** Leads to the sign-in page when the session ended while the console was open, and back here afterwards. */
export function useSessionGuard() {
  const ended = useQuery(sessionQuery).data === null
  const router = useRouter()
  useEffect(() => {
    // The address of this moment: following it while the sign-in page opens would put that page into its own address.
    if (ended)
      router.navigate({ to: '/sign-in', search: { redirect: router.latestLocation.href }, replace: true })
  }, [ended, router])
}
