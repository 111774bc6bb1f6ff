import type { Json } from '@fairway/queue'
import type { PersonState } from './person.ts'
import { personLimits, type WritingItem } from './writes.ts'

/**
 * The state of new people of whom one `identify` tells all: what {@link applyItem} would come to, without a register for each
 * fact. Imports consist of such people; it halves what a row of theirs leaves behind in memory.
 */
export class FirstStates {
  #at = 0
  #names: string[] = []
  /** The times of the last person: neighbours mostly share them. */
  #written: Record<string, number> = {}

  /**
   * @param address which serves as the id, and is the email until somebody says otherwise
   * @returns undefined where registers are needed
   */
  of(externalId: string | null, address: string | undefined, item: WritingItem): PersonState | undefined {
    if (item.kind !== 'identify' || item.at <= 1) return undefined
    if (item.tags || item.devices || item.removeDevices || item.topics || item.subscribed !== undefined)
      return undefined
    const names: string[] = []
    if (item.email !== undefined) names.push('$email')
    if (item.phone !== undefined) names.push('$phone')
    if (item.timezone !== undefined) names.push('$timezone')
    if (item.language !== undefined) names.push('$language')
    for (const name in item.properties) {
      if (item.properties[name] === null || name.startsWith('$') || name === '__proto__') return undefined
      names.push(name)
    }
    if (names.length > personLimits.labels) return undefined
    const ownEmail = item.email === undefined ? address : undefined
    return {
      external_id: externalId,
      provisional: address !== undefined,
      email: ownEmail ?? item.email ?? null,
      phone: item.phone ?? null,
      timezone: item.timezone ?? null,
      language: item.language ?? null,
      properties: item.properties ?? noProperties,
      written:
        ownEmail === undefined ? this.#times(names, item.at) : { $email: 1, ...timesOf(names, item.at) },
      tags: none,
      channels: none,
      topics: noTopics,
      subscribed: true,
      suppressed: false,
    }
  }

  #times(names: string[], at: number): Record<string, number> {
    const known = this.#names
    const same =
      at === this.#at && names.length === known.length && names.every((name, place) => name === known[place])
    if (!same) {
      this.#at = at
      this.#names = names
      this.#written = timesOf(names, at)
    }
    return this.#written
  }
}

const none: never[] = []
const noProperties: Record<string, Json> = {}
const noTopics: Record<string, boolean> = {}

const timesOf = (names: string[], at: number): Record<string, number> =>
  Object.fromEntries(names.map((name) => [name, at]))
