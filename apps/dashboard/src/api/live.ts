import { useEffect, useRef, useState } from 'react'
import { projectPath } from './client.ts'
import type { EventRow } from './types.ts'

export type LiveState = 'connecting' | 'open' | 'lost'

/** Calls `onEvent` for every event of the project as it is processed, and first for those of the last ten minutes. The browser reconnects by itself. */
export function useLiveEvents(project: string, onEvent: (event: EventRow) => void): LiveState {
  const [state, setState] = useState<LiveState>('connecting')
  const handler = useRef(onEvent)
  handler.current = onEvent
  useEffect(() => {
    const source = new EventSource(projectPath(project, 'live'))
    source.onopen = () => setState('open')
    source.onerror = () => setState('lost')
    source.addEventListener('event', (message) => handler.current(JSON.parse(message.data) as EventRow))
    return () => source.close()
  }, [project])
  return state
}
