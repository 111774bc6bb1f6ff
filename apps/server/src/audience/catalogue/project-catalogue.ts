import type { Json } from '@fairway/queue'
import { foldName, type IngestItem } from '../items/item.ts'
import { typeBit, typesOf } from './value-types.ts'

/** Of a project. What is beyond is not in the catalogue, and its events are not counted by name; it works all the same. */
export const catalogueLimits = {
  eventNames: 2_000,
  /** Of people, and of each event. */
  properties: 1_000,
  /** Of all events together. */
  eventProperties: 20_000,
  /** Tags, and topics. */
  labels: 1_000,
  /** Characters. */
  nameLength: 255,
}

/** Name → the types of which the database was told today. A name is here if the database knows it. */
type Properties = Map<string, number>

interface EventName {
  toldToday: boolean
  properties: Properties
}

/** What the catalogue should be told; made while a batch is processed, told once it is committed. */
export class Sightings {
  /** Folded name → as sent. */
  readonly events = new Map<string, string>()
  /** Event ('' for people) → property → bits of types. */
  readonly properties = new Map<string, Map<string, number>>()
  readonly tags = new Set<string>()
  readonly topics = new Set<string>()
  readonly #folded = new Map<string, string>()

  /** A batch has few names, many times. */
  fold(name: string): string {
    let folded = this.#folded.get(name)
    if (folded === undefined) this.#folded.set(name, (folded = foldName(name)))
    return folded
  }

  get isEmpty(): boolean {
    return this.events.size + this.properties.size + this.tags.size + this.topics.size === 0
  }
}

/** Rows to write. */
export interface News {
  events: { folded: string; name: string }[]
  properties: { event: string; name: string; type: string }[]
  labels: { kind: 'tag' | 'topic'; name: string }[]
}

/**
 * What the catalogue of one project is known to hold, so that items with nothing new, which are nearly all, cost a look-up
 * for each property and no statement. Every entry is told once a day, which keeps `last_seen` right to a day.
 */
export class ProjectCatalogue {
  readonly #people: Properties = new Map()
  readonly #events = new Map<string, EventName>()
  readonly #tags = new Map<string, boolean>()
  readonly #topics = new Map<string, boolean>()
  #eventProperties = 0
  #day: number

  constructor(day: number) {
    this.#day = day
  }

  /** Entries in memory. */
  get size(): number {
    return this.#people.size + this.#events.size + this.#eventProperties + this.#tags.size + this.#topics.size
  }

  /** Everything has to be told again on another day. */
  beginDay(day: number): void {
    if (day === this.#day) return
    this.#day = day
    for (const name of this.#people.keys()) this.#people.set(name, 0)
    for (const event of this.#events.values()) {
      event.toldToday = false
      for (const name of event.properties.keys()) event.properties.set(name, 0)
    }
    for (const labels of [this.#tags, this.#topics]) for (const name of labels.keys()) labels.set(name, false)
  }

  /** Whether events of this name are counted by their name. */
  counts(foldedName: string): boolean {
    return this.#events.has(foldedName) || this.#addEvent(foldedName)
  }

  /** Notes what of an item the catalogue was not told today. */
  see(item: IngestItem, sightings: Sightings): void {
    switch (item.kind) {
      case 'event':
        this.#seeEvent(item.name, item.properties, sightings)
        this.#seeProperties('', this.#people, item.traits?.properties, sightings)
        break
      case 'identify':
        this.#seeProperties('', this.#people, item.properties, sightings)
        seeLabels(this.#tags, item.tags?.add, sightings.tags)
        if (item.topics) seeLabels(this.#topics, Object.keys(item.topics), sightings.topics)
        break
      case 'tags':
        seeLabels(this.#tags, item.add, sightings.tags)
    }
  }

  #seeEvent(name: string, properties: Record<string, Json>, sightings: Sightings): void {
    const folded = sightings.fold(name)
    const event = this.#events.get(folded)
    if (!event?.toldToday && (event || this.#events.size < catalogueLimits.eventNames)) {
      if (folded.length <= catalogueLimits.nameLength && !sightings.events.has(folded))
        sightings.events.set(folded, name.trim())
    }
    this.#seeProperties(folded, event?.properties, properties, sightings)
  }

  #seeProperties(
    event: string,
    known: Properties | undefined,
    properties: Record<string, Json> | undefined,
    sightings: Sightings,
  ): void {
    for (const name in properties) {
      const bit = typeBit(properties[name])
      const told = known?.get(name)
      if (bit === 0 || (told !== undefined && told & bit)) continue
      if (told === undefined && known !== undefined && known.size >= catalogueLimits.properties) continue
      let seen = sightings.properties.get(event)
      if (!seen) sightings.properties.set(event, (seen = new Map()))
      seen.set(name, (seen.get(name) ?? 0) | bit)
    }
  }

  /** Takes over what fits into the limits, and returns it to be written. */
  learn(sightings: Sightings): News {
    const news: News = { events: [], properties: [], labels: [] }
    for (const [folded, name] of sightings.events) {
      if (!this.counts(folded)) continue
      const event = this.#events.get(folded)!
      // Another batch may have told it meanwhile.
      if (event.toldToday) continue
      event.toldToday = true
      news.events.push({ folded, name })
    }
    for (const [event, properties] of sightings.properties)
      for (const [name, bits] of properties)
        for (const type of this.addProperty(event, name, bits) ? typesOf(bits) : [])
          news.properties.push({ event, name, type })
    for (const [kind, names] of [
      ['tag', sightings.tags],
      ['topic', sightings.topics],
    ] as const)
      for (const name of names) if (this.addLabel(kind, name)) news.labels.push({ kind, name })
    return news
  }

  /** `told` says whether the database was told of it today. All three return whether there was room. */
  addEvent(foldedName: string, told: boolean): boolean {
    if (!this.counts(foldedName)) return false
    this.#events.get(foldedName)!.toldToday ||= told
    return true
  }

  addProperty(event: string, name: string, toldBits: number): boolean {
    const known = event === '' ? this.#people : this.#events.get(event)?.properties
    if (!known) return false
    const before = known.get(name)
    if (before === undefined) {
      if (known.size >= catalogueLimits.properties || !isShort(name)) return false
      if (known !== this.#people) {
        if (this.#eventProperties >= catalogueLimits.eventProperties) return false
        this.#eventProperties++
      }
    }
    known.set(name, (before ?? 0) | toldBits)
    return true
  }

  addLabel(kind: 'tag' | 'topic', name: string, told = true): boolean {
    const labels = kind === 'tag' ? this.#tags : this.#topics
    if (!labels.has(name) && (labels.size >= catalogueLimits.labels || !isShort(name))) return false
    labels.set(name, told || labels.get(name) === true)
    return true
  }

  #addEvent(foldedName: string): boolean {
    if (this.#events.size >= catalogueLimits.eventNames || !isShort(foldedName)) return false
    this.#events.set(foldedName, { toldToday: false, properties: new Map() })
    return true
  }
}

function seeLabels(known: Map<string, boolean>, names: string[] | undefined, sightings: Set<string>): void {
  for (const name of names ?? []) {
    const told = known.get(name)
    if (told === false || (told === undefined && known.size < catalogueLimits.labels)) sightings.add(name)
  }
}

const isShort = (name: string) => name.length <= catalogueLimits.nameLength
