import type { Transaction } from '@fairway/queue'
import type { ExpensiveReads } from '../../platform/capacity/expensive-reads.ts'
import { memoizePerObject } from '../../platform/memoize-per-object.ts'
import { type Clock, makeClock } from '../conditions/due.ts'
import { conditionTest } from '../conditions/evaluate.ts'
import { expandSegments, type FindSegment } from '../conditions/expand.ts'
import type { FactsTest } from '../conditions/facts.ts'
import type { Condition } from '../conditions/language.ts'
import { joinNeeds, type Needs, needsOf, noNeeds } from '../conditions/needs.ts'

/** A dynamic segment, ready to be evaluated. */
export interface Definition {
  id: number
  name: string
  /** Expanded: names manual segments alone. */
  condition: Condition
  /** Whether it is true of one person. */
  test: FactsTest
  /** People up to this id have been looked at; Infinity when nothing is being built. */
  builtTo: number
}

export interface Definitions {
  dynamic: Definition[]
  /** What all of them together ask. */
  needs: Needs
  /** When time alone may next change any of them. */
  clock: Clock
  /** For expanding other conditions. */
  find: FindSegment
}

interface Row {
  id: number
  name: string
  version: number
  state: 'building' | 'ready'
  built_to: number
}

/** The conditions of one state of a project's segments. */
interface Prepared {
  signature: string
  conditions: Map<number, Condition>
  needs: Needs
  clock: Clock
  find: FindSegment
}

/** Projects whose conditions a process keeps: made ready once, they are evaluated thousands of times. */
const mostPrepared = 500
/** With what an App and all the seats of its reads have in common. */
const preparedOf = memoizePerObject((_: ExpensiveReads) => new Map<number, Prepared>())

/** The dynamic segments of a project, as the transaction sees them. */
export async function loadDefinitions(
  { expensiveReads }: { expensiveReads: ExpensiveReads },
  client: Transaction,
  projectId: number,
): Promise<Definitions> {
  const { rows } = await client.query(
    `select id, name, version, state, built_to from segments
     where project_id = $1 and kind = 'dynamic' order by id`,
    [projectId],
  )
  const segments = rows as Row[]
  const { conditions, needs, clock, find } = await prepare(expensiveReads, client, projectId, segments)
  const dynamic = segments.flatMap(({ id, name, state, built_to }): Definition[] => {
    const condition = conditions.get(id)
    if (!condition) return []
    const builtTo = state === 'ready' ? Number.POSITIVE_INFINITY : built_to
    return [{ id, name, condition, test: conditionTest(condition), builtTo }]
  })
  return { dynamic, needs, clock, find }
}

async function prepare(
  reads: ExpensiveReads,
  client: Transaction,
  projectId: number,
  segments: Row[],
): Promise<Prepared> {
  const kept = preparedOf(reads)
  const signature = segments.map(({ id, version }) => `${id}:${version}`).join()
  const known = kept.get(projectId)
  if (known?.signature === signature) return known
  const fresh = await readConditions(client, projectId, signature)
  kept.delete(projectId)
  kept.set(projectId, fresh)
  if (kept.size > mostPrepared) kept.delete(kept.keys().next().value!)
  return fresh
}

async function readConditions(client: Transaction, projectId: number, signature: string): Promise<Prepared> {
  const { rows } = await client.query(
    `select id, conditions from segments where project_id = $1 and kind = 'dynamic'`,
    [projectId],
  )
  const stored = new Map(
    (rows as { id: number; conditions: Condition }[]).map((row) => [row.id, row.conditions]),
  )
  const find: FindSegment = (id) => stored.get(id)
  const conditions = new Map<number, Condition>()
  const needs = noNeeds()
  for (const [id, condition] of stored) {
    const expanded = expandSegments(condition, find)
    conditions.set(id, expanded)
    joinNeeds(needs, needsOf(expanded))
  }
  return { signature, conditions, needs, clock: makeClock(conditions.values()), find }
}
