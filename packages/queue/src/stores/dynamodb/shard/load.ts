import type { Table } from '../client/table.ts'
import type { Commits } from '../intake/commits.ts'
import { IntakeReader } from '../intake/intake-reader.ts'
import type { PageItem } from '../items/page-item.ts'
import { readJournal } from './journal.ts'
import type { Effects } from './operations.ts'
import type { Ownership } from './owner-item.ts'
import { Replay } from './replay.ts'
import { Segments } from './segments.ts'
import { decodeState } from './snapshot-form.ts'
import { readSnapshot } from './snapshots.ts'
import { ShardState, type Surroundings } from './state.ts'
import { pageOf } from './stored-page.ts'

export interface Loaded {
  state: ShardState
  intake: IntakeReader
  /** Number of the last record. */
  tail: number
  effects: Map<string, Effects>
}

interface Sources {
  table: Table
  commits: Commits
  around: Surroundings
  /** Resolves when memory has room for more pages; by default at once. */
  room?: () => Promise<void>
  /** Called for every item taken in. */
  onItem?: (pages: number) => void
}

/**
 * The state of a shard as of the end of its journal: the last snapshot, the items taken in since, and what was done since.
 * Only reads: so that anybody may look at a shard that nobody owns.
 */
export async function loadShard(ownership: Ownership, sources: Sources): Promise<Loaded> {
  const state = new ShardState(ownership.shard, sources.around)
  try {
    return await fill(state, ownership, sources)
  } catch (error) {
    // Its pages are not in memory any more.
    state.leave()
    throw error
  }
}

async function fill(state: ShardState, { shard, snapshot }: Ownership, sources: Sources): Promise<Loaded> {
  const { table, commits, around, room = async () => {}, onItem } = sources
  const segments = new Segments(table, shard)
  let from = { cursor: 0, ahead: [] as number[] }
  let covered = 0
  const effects: Effects[] = []
  if (snapshot) {
    const form = await readSnapshot(table, shard, snapshot)
    decodeState(form, state)
    from = form.intake
    covered = snapshot.covers
    effects.push(...form.effects)
  }
  const replay = new Replay(state, segments)
  for (const effect of effects) replay.effects.set(effect.id, effect)
  const consume = (ticket: number, pages: PageItem, at: number) => {
    for (const [entry, meta] of pages.entries.entries()) {
      const { jobs, bytes } = meta
      state.arrive(pageOf(meta, { item: ticket, entry, jobs, bytes }, at))
    }
    onItem?.(pages.entries.length)
  }
  const intake = new IntakeReader(table, commits, shard, from, { consume, room, now: () => around.now() })
  const records = await readJournal(table, shard, covered)
  const highest = records.at(-1)?.highest ?? 0
  if (highest > 0) await intake.catchUp(highest)
  for (const { operations } of records) for (const operation of operations) await replay.apply(operation)
  replay.end()
  return { state, intake, tail: records.at(-1)?.n ?? covered, effects: replay.effects }
}
