import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Store } from '../../src/stores/store.ts'
import { cancelling } from './conformance/cancelling.ts'
import { claiming } from './conformance/claiming.ts'
import { controls } from './conformance/controls.ts'
import { deadLetters } from './conformance/dead-letters.ts'
import { emptying } from './conformance/emptying.ts'
import { limits } from './conformance/limits.ts'
import { numbers } from './conformance/numbers.ts'
import { oddTexts } from './conformance/odd-texts.ts'
import { Scene, type Test } from './conformance/scene.ts'
import { scheduling } from './conformance/scheduling.ts'
import { sectionMoves } from './conformance/sections.ts'
import { settling } from './conformance/settling.ts'
import { streams } from './conformance/streams.ts'
import { uniqueKeys } from './conformance/unique-keys.ts'

export interface Harness {
  store: Store
  /** Makes the store believe that the worker has been silent for longer than its lease. */
  expire(worker: number): Promise<void>
  /** Moves the store's clock, which rules everything but leases. */
  advance(ms: number): void
  close(): Promise<void>
}

const parts = {
  claiming,
  streams,
  settling,
  scheduling,
  limits,
  controls,
  'unique keys and blobs': uniqueKeys,
  'cancelling and progress': cancelling,
  'dead letters': deadLetters,
  numbers,
  'odd texts': oddTexts,
  sections: sectionMoves,
  emptying,
}

/** What every store promises, whatever it is made of. Each test has a lane of its own, in one store that all share. */
export function conformance(name: string, open: () => Promise<Harness>): void {
  describe(`${name} store`, () => {
    let harness: Harness
    let count = 0
    beforeAll(async () => {
      harness = await open()
    })
    afterAll(() => harness.close())
    const test: Test = (title, body) =>
      it(title, async () => {
        const scene = new Scene(harness, `lane${++count}`, open)
        try {
          await body(scene)
        } finally {
          await scene.close()
        }
      })
    for (const [part, define] of Object.entries(parts)) describe(part, () => define(test))
  })
}
