import { normalPhone } from '../../platform/phone.ts'
import type { PeopleSession } from './session.ts'
import type { WritingItem } from './writes.ts'

/** The items with their phone numbers normalized. The project's country is only asked for when a number has none. */
export async function withNormalPhones(session: PeopleSession, items: WritingItem[]): Promise<WritingItem[]> {
  const phones = items.map(phoneOf).filter((phone) => phone !== undefined)
  if (phones.length === 0) return items
  const needsCountry = phones.some((phone) => !/^\s*(\+|00)/.test(phone))
  const country = needsCountry ? await countryOf(session) : null
  return items.map((item) => {
    const phone = phoneOf(item)
    if (phone === undefined) return item
    const normal = normalPhone(phone, country)
    if (normal === phone) return item
    return item.kind === 'event'
      ? { ...item, traits: { ...item.traits, phone: normal } }
      : ({ ...item, phone: normal } as WritingItem)
  })
}

function phoneOf(item: WritingItem): string | undefined {
  const phone = item.kind === 'identify' ? item.phone : item.kind === 'event' ? item.traits?.phone : undefined
  return typeof phone === 'string' ? phone : undefined
}

async function countryOf({ client, projectId }: PeopleSession): Promise<string | null> {
  const { rows } = await client.query<{ country: string | null }>({
    name: 'project_country',
    text: 'select default_country as country from projects where id = $1',
    values: [projectId],
  })
  return rows[0]?.country ?? null
}
