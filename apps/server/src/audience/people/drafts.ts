import { identityOf, type Match, type Matches } from './identity.ts'
import type { WritingItem } from './writes.ts'

/** One person that a batch speaks of: stored already when it has an id. */
export interface Draft {
  id: number | undefined
  externalId: string | null
  /** The external id is an address that serves as one. */
  provisional: boolean
  /** Stored as a visitor or by an address, and now has an id. */
  becameKnown: boolean
  /** Anonymous ids that lead to nobody yet. */
  newAnonymous: Set<string> | undefined
  /** Positions in the batch. */
  items: number[]
}

export interface Drafts {
  drafts: Draft[]
  /** The draft of each item; undefined where the item may not create its person. */
  of: (Draft | undefined)[]
  /** Stored visitors who turn out to be stored known people: [visitor, known]. */
  toMerge: [number, number][]
}

/** Finds out who each item speaks of, and what the items tell about who is who. */
export function draftPeople(items: WritingItem[], matches: Matches): Drafts {
  const byId = new Map<number, Draft>()
  const byKey = { external: new Map<string, Draft>(), anonymous: new Map<string, Draft>() }
  const foldedInto = new Map<Draft, Draft>()
  const toMerge: [number, number][] = []

  const follow = (draft: Draft): Draft => {
    let last = draft
    for (let next = foldedInto.get(last); next; next = foldedInto.get(last)) last = next
    return last
  }
  const stored = (match: Match): Draft => {
    let draft = byId.get(match.personId)
    if (!draft)
      byId.set(match.personId, (draft = newDraft(match.personId, match.externalId, match.provisional)))
    return draft
  }
  const find = (kind: keyof Matches, id: string | undefined): Draft | undefined => {
    if (id === undefined) return undefined
    const found = byKey[kind].get(id)
    if (found) return follow(found)
    const match = matches[kind].get(id)
    return match && follow(stored(match))
  }
  /** Both are the same person; the visitor's draft ends in the known one, unless only the visitor is stored. */
  const combine = (known: Draft, visitor: Draft): Draft => {
    if (known.id !== undefined && visitor.id !== undefined) toMerge.push([visitor.id, known.id])
    const [into, from] =
      known.id === undefined && visitor.id !== undefined ? [visitor, known] : [known, visitor]
    if (into === visitor) becomeKnown(visitor, known.externalId!)
    into.items.push(...from.items)
    for (const id of from.newAnonymous ?? []) (into.newAnonymous ??= new Set()).add(id)
    foldedInto.set(from, into)
    return into
  }

  const of = items.map((item, index) => {
    const { external, anonymous, provisional = false } = identityOf(item.person)
    const known = find('external', external)
    const visitor = find('anonymous', anonymous)
    let draft = external === undefined ? visitor : known
    // A visitor who is somebody else already shares a device: both stay who they are.
    if (external !== undefined && visitor !== undefined && visitor !== known && visitor.externalId === null) {
      if (known) draft = combine(known, visitor)
      else becomeKnown((draft = visitor), external)
    }
    if (!draft) {
      if (item.kind === 'identify' && item.updateOnly) return undefined
      draft = newDraft(undefined, external ?? null, provisional)
    }
    // The address is the id of theirs, as it turns out.
    if (external !== undefined && !provisional && draft.provisional) becomeKnown(draft, draft.externalId!)
    if (external !== undefined) byKey.external.set(external, draft)
    if (anonymous !== undefined && visitor === undefined) {
      draft.newAnonymous ??= new Set()
      draft.newAnonymous.add(anonymous)
      byKey.anonymous.set(anonymous, draft)
    }
    draft.items.push(index)
    return draft
  })

  const final = of.map((draft) => draft && follow(draft))
  return { drafts: [...new Set(final.filter((draft) => draft !== undefined))], of: final, toMerge }
}

const newDraft = (id: number | undefined, externalId: string | null, provisional: boolean): Draft => ({
  id,
  externalId,
  provisional,
  becameKnown: false,
  newAnonymous: undefined,
  items: [],
})

function becomeKnown(visitor: Draft, externalId: string): void {
  visitor.externalId = externalId
  visitor.provisional = false
  visitor.becameKnown = visitor.id !== undefined
}
