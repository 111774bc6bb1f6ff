import { useEffect } from 'react'

/** Sets the document's title; screen readers announce it on navigation. */
export function usePageTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · Fairway`
  }, [title])
}
