import type { Row } from '../report.ts'
import type { Figures } from './figures.ts'
import type { Lab } from './lab.ts'

/** Some rows of the table, and how to measure them. */
export interface Section {
  /** One run: ours and the peers, one after the other, so that each ratio is of the same minutes. */
  measure(lab: Lab, figures: Figures): Promise<void>
  rows(): Row[]
}

/** What each system reached, run by run. */
export class Series<Key extends string> {
  readonly #values = new Map<Key, number[]>()

  push(key: Key, value: number): void {
    const values = this.#values.get(key)
    if (values) values.push(value)
    else this.#values.set(key, [value])
  }

  of(key: Key): number[] {
    return this.#values.get(key) ?? []
  }

  /** For {@link pairedRow}. */
  pairs(ours: Key, peer?: Key): { ours: number; peer?: number }[] {
    return this.of(ours).map((value, run) => ({
      ours: value,
      ...(peer !== undefined && { peer: this.of(peer)[run]! }),
    }))
  }
}
