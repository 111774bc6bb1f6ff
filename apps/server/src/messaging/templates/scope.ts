import type { Json } from '@fairway/queue'
import type { Recipient } from '../../audience/people/lookup.ts'

/** Plain data, because it crosses to another process. */
export interface ScopeSource {
  /** The id of the message: `{{ vero.id }}`, `{{ message.id }}`. */
  messageId: string
  person: Recipient | undefined
  /** Address and id as the caller gave them, for a send to somebody who is no person here. */
  recipient: { id?: string; email?: string }
  event: { name: string; properties: Record<string, Json> } | undefined
  data: Record<string, Json> | undefined
  urls: { unsubscribe: string; permalink: string }
  now: Date
}

/**
 * The objects of a template, under the names of Vero (`user`, `event`, `url`, `extra`, `vero`) and of Customer.io
 * (`customer`, `trigger`, `message_data`, `event_name`). Times are Unix seconds.
 */
export function buildScope(source: ScopeSource): Record<string, unknown> {
  const user = describePerson(source)
  const { unsubscribe, permalink } = source.urls
  const data = source.data ?? {}
  return {
    user,
    customer: user,
    event: source.event?.properties ?? {},
    event_name: source.event?.name,
    trigger: data,
    message_data: data,
    message: { id: source.messageId },
    vero: { id: source.messageId },
    extra: { time: { now: Math.floor(source.now.getTime() / 1000) } },
    url: {
      unsubscribe_link: unsubscribe,
      unsubscribe: link(unsubscribe, 'Unsubscribe'),
      permalink_link: permalink,
      permalink: link(permalink, 'View in browser'),
    },
    unsubscribe_url: unsubscribe,
    view_in_browser_url: permalink,
  }
}

function describePerson({ person, recipient }: ScopeSource): Record<string, unknown> {
  if (!person) return { id: recipient.id, email: recipient.email }
  return {
    ...person.properties,
    id: person.external_id,
    cio_id: String(person.id),
    email: person.email,
    phone: person.phone,
    phone_number: person.phone,
    timezone: person.timezone,
    language: person.language,
    tags: person.tags,
    created_at: Math.floor(person.created_at.getTime() / 1000),
  }
}

const link = (href: string, text: string) => `<a href="${href}">${text}</a>`
