import type { Event } from '@fairway/api'
import { useEffect, useRef, useState } from 'react'
import { projectPath } from './client.ts'

export type LiveState = 'connecting' | 'open' | 'lost'

/** Calls `onEvent` for every event of the project as it is processed, and first for those of the last ten minutes. The browser reconnects by itself. */
export const useLiveEvents = (project: string, onEvent: (event: Event) => void): LiveState =>
  useEventStream(projectPath(project, 'live'), onEvent)

/** The same of one person. */
export const useLivePerson = (project: string, id: string, onEvent: (event: Event) => void): LiveState =>
  useEventStream(projectPath(project, 'people', id, 'live'), onEvent)

function useEventStream(path: string, onEvent: (event: Event) => void): LiveState {
  const [state, setState] = useState<LiveState>('connecting')
  const handler = useRef(onEvent)
  handler.current = onEvent
  useEffect(() => {
    const source = new EventSource(path)
    source.onopen = () => setState('open')
    source.onerror = () => setState('lost')
    source.addEventListener('event', (message) => handler.current(JSON.parse(message.data) as Event))
    return () => source.close()
  }, [path])
  return state
}
