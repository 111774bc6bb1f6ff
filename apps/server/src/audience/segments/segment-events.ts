import { type NewEvent, uuidOf } from '../events/store.ts'
import { foldName } from '../items/item.ts'

/** Somebody entered a segment, or left it. */
export interface Crossing {
  personId: number
  segment: { id: number; name: string }
  entered: boolean
}

export const enteredEvent = (name: string): string => `Entered segment: ${name}`
export const leftEvent = (name: string): string => `Left segment: ${name}`

/** What campaigns are triggered by, and timelines show. */
export const crossingEvents = (projectId: number, crossings: Crossing[], now: Date): NewEvent[] =>
  crossings.map(({ personId, segment, entered }) => {
    const name = entered ? enteredEvent(segment.name) : leftEvent(segment.name)
    return {
      id: uuidOf(`segment\0${projectId}\0${segment.id}\0${personId}\0${entered}\0${now.getTime()}`),
      personId,
      name,
      foldedName: foldName(name),
      properties: { segmentId: segment.id, segment: segment.name },
      source: 'fairway',
      occurredAt: now,
      receivedAt: now,
    }
  })
