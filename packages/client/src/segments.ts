import type { Segment, SegmentMember, SegmentPreview } from '@fairway/api'
import { List } from './list.ts'
import { type PersonId, pathOf } from './people.ts'
import type { Transport } from './transport.ts'

export type NewSegment = { name: string; conditions: object } | { name: string; manual: true }

export class Segments {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** By name. */
  list(): List<Segment> {
    return List.of(this.#transport, this.#transport.path('segments'))
  }

  get(id: number): Promise<Segment> {
    return this.#transport.send({ method: 'GET', path: this.#path(id) })
  }

  /** Its people are worked out in the background: `state` is `building` until then. */
  create(segment: NewSegment): Promise<Segment> {
    return this.#transport.send({ method: 'POST', path: this.#transport.path('segments'), body: segment })
  }

  update(id: number, changes: { name?: string; conditions?: object; updatedAt?: string }): Promise<Segment> {
    return this.#transport.send({ method: 'PATCH', path: this.#path(id), body: changes })
  }

  /** @throws {FairwayError} 409 while conditions or campaigns name it: `problem.usedBy` */
  async delete(id: number): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: this.#path(id) })
  }

  /** An estimate, or with `exact` the number. */
  preview(conditions: object, { exact = false } = {}): Promise<SegmentPreview> {
    return this.#transport.send({
      method: 'POST',
      path: this.#transport.path('segments', 'preview'),
      body: { conditions, exact },
      repeatable: true,
    })
  }

  members(id: number): List<SegmentMember> {
    return List.of(this.#transport, this.#path(id, 'members'))
  }

  /** Of a list kept by hand; at most 1,000 of each at once. */
  changeMembers(
    id: number,
    { add = [], remove = [] }: { add?: PersonId[]; remove?: PersonId[] },
  ): Promise<Segment> {
    return this.#transport.send({
      method: 'POST',
      path: this.#path(id, 'members'),
      body: { add: add.map(pathOf), remove: remove.map(pathOf) },
      repeatable: true,
    })
  }

  #path(id: number, ...more: string[]): string {
    return this.#transport.path('segments', id, ...more)
  }
}
