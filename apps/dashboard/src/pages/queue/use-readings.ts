import type { ProjectQueue } from '@fairway/api'
import { useState } from 'react'

/** Waiting jobs by lane. */
type Reading = Record<string, number>

/** Five minutes' worth. */
const maxReadings = 60

/** What waited at each refresh since this page was opened, oldest first: the server keeps no history of it. */
export function useReadings(project: string, queue: ProjectQueue, readAt: number): Reading[] {
  const [kept, setKept] = useState<{ project: string; readAt: number; readings: Reading[] }>()
  if (kept?.project === project && kept.readAt === readAt) return kept.readings
  const before = kept?.project === project ? kept.readings : []
  const reading = Object.fromEntries(queue.lanes.map(({ lane, waiting }) => [lane, waiting]))
  const readings = [...before, reading].slice(-maxReadings)
  setKept({ project, readAt, readings })
  return readings
}
