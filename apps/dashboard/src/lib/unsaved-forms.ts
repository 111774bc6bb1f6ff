import { useEffect, useSyncExternalStore } from 'react'

const forms = new Set<object>()
const listeners = new Set<() => void>()
const tell = () => {
  for (const listener of listeners) listener()
}

/** Counts the form among those with changes that were not saved, while it has any. */
export function useReportUnsaved(isDirty: boolean): void {
  useEffect(() => {
    if (!isDirty) return
    const form = {}
    forms.add(form)
    tell()
    return () => {
      forms.delete(form)
      tell()
    }
  }, [isDirty])
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

/** Whether something was typed anywhere on the page, or in a dialog, that was not saved. */
export const anyUnsaved = () => forms.size > 0

export const useAnyUnsaved = () => useSyncExternalStore(subscribe, anyUnsaved)
