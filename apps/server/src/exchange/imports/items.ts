import type { IdentifyItem, IngestItem, PersonRef } from '../../audience/items/item.ts'
import { isByAddress } from '../../audience/people/addressed.ts'
import type { ImportKind } from './kinds.ts'
import type { Options } from './options.ts'
import type { Draft } from './targets.ts'
import { timedItems } from './timed-facts.ts'

/** Of an import: its rows are as if all accepted when it began. */
export interface ImportTime {
  /** Epoch ms. */
  at: number
}

const source = 'import'

/** What a row does to its person, as ingestion would. */
export function itemsOf(
  kind: ImportKind,
  draft: Draft,
  person: PersonRef,
  { at }: ImportTime,
  options: Options,
): IngestItem[] {
  const base = { person, at: Math.min(draft.updatedAt ?? at, at), acceptedAt: at, source }
  switch (kind) {
    case 'people': {
      const { email, phone, timezone, language, properties, tags, topics, devices, subscribed, createdAt } =
        draft
      if (draft.written !== undefined)
        return [...timedItems(draft, base, at), ...optOutItems(draft, base, at), ...aliasItems(draft, base)]
      const identify: IdentifyItem = { kind: 'identify', ...base, properties }
      if (email !== undefined) identify.email = email
      if (phone !== undefined) identify.phone = phone
      if (timezone !== undefined) identify.timezone = timezone
      if (language !== undefined) identify.language = language
      if (topics !== undefined) identify.topics = topics
      if (devices !== undefined) identify.devices = devices
      if (tags.length > 0) identify.tags = { add: tags, remove: [] }
      if (subscribed !== undefined) identify.subscribed = subscribed
      if (subscribed || Object.values(topics ?? {}).includes(true))
        identify.keepsOptOuts = options.resubscribe !== true
      if (createdAt !== undefined) identify.createdAt = Math.min(createdAt, at)
      const items: IngestItem[] = [identify, ...optOutItems(draft, base, at), ...aliasItems(draft, base)]
      if (draft.suppressed !== undefined)
        items.push({
          kind: 'suppression',
          ...base,
          suppressed: draft.suppressed,
          ...(!draft.suppressed && { keepsOptOuts: options.resubscribe !== true }),
        })
      return items
    }
    case 'events': {
      const { event, time = at, properties, email } = draft
      const traits = draft.person.id !== undefined && email ? { email } : undefined
      return [{ kind: 'event', ...base, at: Math.min(time, at), name: event!, properties, traits }]
    }
    case 'tags': {
      const [add, remove] = options.tagAction === 'remove' ? [[], draft.tags] : [draft.tags, []]
      return [{ kind: 'tags', ...base, add, remove }]
    }
    case 'unsubscribes':
      return [{ kind: 'subscription', ...base, subscribed: false }]
    case 'suppressions':
      return [{ kind: 'suppression', ...base, suppressed: true }]
    case 'segment':
      return []
  }
}

/** Said once more by itself, an opt-out is about the address of the row as well. */
const optOutItems = (
  { subscribed, email, person, written }: Draft,
  base: Base & { at: number },
  latest: number,
): IngestItem[] =>
  subscribed === false && email && !isByAddress(person)
    ? [
        {
          kind: 'subscription',
          ...base,
          at: Math.min(written ? (written.$subscribed ?? 0) : base.at, latest),
          subscribed,
        },
      ]
    : []

type Base = Pick<IdentifyItem, 'person' | 'at' | 'acceptedAt' | 'source'>

/** Anonymous ids are added; other ids of the product lead here by a merge. */
const aliasItems = ({ aliases = [], person: { id } }: Draft, base: Base): IngestItem[] =>
  aliases.flatMap((alias): IngestItem[] => {
    if (id === undefined || alias.id === id) return []
    if (alias.id !== undefined) return [{ kind: 'merge', ...base, from: { id: alias.id } }]
    return [{ kind: 'identify', ...base, person: { id, anonymousId: alias.anonymousId } }]
  })
