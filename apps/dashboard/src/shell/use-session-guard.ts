import { useQuery } from '@tanstack/react-query'
import { useLocation, useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import { sessionQuery } from '../api/session.ts'

/** Leads to the sign-in page when the session ended while the console was open, and back here afterwards. */
export function useSessionGuard() {
  const session = useQuery(sessionQuery)
  const navigate = useNavigate()
  const { href } = useLocation()
  const ended = session.data === null
  useEffect(() => {
    if (ended) navigate({ to: '/sign-in', search: { redirect: href }, replace: true })
  }, [ended, href, navigate])
}
