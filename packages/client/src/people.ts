import type { Counted, Erasure, Json, Person, PersonDetail, SearchedPage, TimelineEntry } from '@fairway/api'
import { List } from './list.ts'
import type { Transport } from './transport.ts'

/** Your own id as a text, or Fairway's number. */
export type PersonId = string | number

/** What is left out stays as it is. */
export interface PersonChanges {
  email?: string | null
  phone?: string | null
  /** IANA name */
  timezone?: string | null
  /** BCP 47 tag: de, en-US */
  language?: string | null
  /** Merged; null removes a property. */
  properties?: Record<string, Json>
  topics?: Record<string, boolean>
  subscribed?: boolean
}

export const pathOf = (person: PersonId): string =>
  typeof person === 'number' ? String(person) : `id:${person}`

export class People {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Those changed last first; or those whose id, address, phone or name begins so. */
  list(filter: { search?: string; limit?: number } = {}): List<Person> {
    return List.of(this.#transport, this.#transport.path('people'), filter)
  }

  /** Of a segment, or for whom conditions hold. */
  find(where: { segment?: number; conditions?: object; limit?: number }): List<Person> {
    return new List((cursor) =>
      this.#transport.send<SearchedPage<Person>>({
        method: 'POST',
        path: this.#transport.path('people', 'search'),
        body: { ...where, cursor },
        repeatable: true,
      }),
    )
  }

  count(filter: { search?: string } = {}): Promise<Counted> {
    return this.#transport.send({
      method: 'GET',
      path: this.#transport.path('people', 'count'),
      query: filter,
    })
  }

  get(person: PersonId): Promise<PersonDetail> {
    return this.#transport.send({ method: 'GET', path: this.#path(person) })
  }

  /** Creates or changes somebody, at once. */
  save(person: PersonId, changes: PersonChanges): Promise<PersonDetail> {
    return this.#transport.send({ method: 'PUT', path: this.#path(person), body: changes })
  }

  /** @throws {FairwayError} 404 for somebody who does not exist */
  update(person: PersonId, changes: PersonChanges): Promise<PersonDetail> {
    return this.#transport.send({
      method: 'PATCH',
      path: this.#path(person),
      body: changes,
      repeatable: true,
    })
  }

  tag(person: PersonId, tags: { add?: string[]; remove?: string[] }): Promise<PersonDetail> {
    return this.#change(person, 'tags', tags)
  }

  subscribe(person: PersonId): Promise<PersonDetail> {
    return this.#change(person, 'subscribe')
  }

  /** From marketing. */
  unsubscribe(person: PersonId): Promise<PersonDetail> {
    return this.#change(person, 'unsubscribe')
  }

  /** Nothing is sent to them any more, whatever it is. */
  suppress(person: PersonId): Promise<PersonDetail> {
    return this.#change(person, 'suppress')
  }

  unsuppress(person: PersonId): Promise<PersonDetail> {
    return this.#change(person, 'unsuppress')
  }

  /** `from` becomes one with `into`. */
  merge(into: PersonId, from: PersonId): Promise<PersonDetail> {
    return this.#transport.send({
      method: 'POST',
      path: this.#path(into, 'merge'),
      body: { from: pathOf(from) },
    })
  }

  timeline(person: PersonId): List<TimelineEntry> {
    return List.of(this.#transport, this.#path(person, 'timeline'))
  }

  /** Removes everything about them, and answers the receipt. */
  erase(person: PersonId): Promise<Erasure> {
    return this.#transport.send({ method: 'DELETE', path: this.#path(person) })
  }

  #change(person: PersonId, what: string, body?: object): Promise<PersonDetail> {
    return this.#transport.send({ method: 'POST', path: this.#path(person, what), body, repeatable: true })
  }

  #path(person: PersonId, ...more: string[]): string {
    return this.#transport.path('people', pathOf(person), ...more)
  }
}
