import { useEffect, useRef } from 'react'
import { isSignedOut } from '../api/query-client.ts'
import { notifyError } from './notify.tsx'

/**
 * For a form, as its ref: what the server refuses comes into view, and a field that is wrong has the focus. On a page it is
 * told as well; a dialog is small, and a notification would lie on its buttons. Who was signed out is told by the page.
 */
export function useRefusal(title: string, error: Error | null) {
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (!error || isSignedOut(error)) return
    const field = form.current?.querySelector<HTMLInputElement>('[aria-invalid=true]')
    field?.focus({ preventScroll: true })
    const place = field ?? form.current?.querySelector('[role=alert]')
    place?.scrollIntoView({ block: 'center' })
    if (place?.closest('[role=dialog]')) return
    const label = field?.labels?.[0]?.textContent?.replace(/ \*$/, '')
    const said = (field && document.getElementById(`${field.id}-error`)?.textContent) ?? error.message
    notifyError(title, label ? `${label}: ${said}` : said)
  }, [title, error])
  return form
}
