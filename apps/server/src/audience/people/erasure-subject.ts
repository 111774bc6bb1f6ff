import type { Erasure } from './erasure-marks.ts'

/** One person to erase, stored or not, with everything that leads to what is kept about them. */
export interface Subject {
  /** Undefined for an id that nobody has. */
  personId: number | undefined
  erasure: Erasure
  /** Ids, as they are hashed. */
  nodes: Set<string>
  /** Ids, addresses and numbers, as they may stand in rows that know no person; addresses in lower case. */
  names: Set<string>
  requestedBy: string | undefined
  /** Rows removed, by place. */
  removed: Map<string, number>
}

export const count = ({ removed }: Subject, place: string, rows: number): void =>
  void (rows > 0 && removed.set(place, (removed.get(place) ?? 0) + rows))

export const subjectsByName = (subjects: Subject[]): Map<string, Subject> =>
  new Map(subjects.flatMap((subject) => [...subject.names].map((name) => [name, subject] as const)))
