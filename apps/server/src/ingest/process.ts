import { type BatchContext, type BatchHandler, type Job, QueueError } from '@fairway/queue'
import { ensurePartitions, forgetPartitions, isMissingPartition } from '../audience/events/partitions.ts'
import { eventId, type NewEvent } from '../audience/events/store.ts'
import { foldName, type IngestItem } from '../audience/items/item.ts'
import {
  type AcceptedItem,
  type Changed,
  changePeople,
  changesWhoByAddress,
  needsExclusive,
} from '../audience/people/change.ts'
import { type PeopleSession, withPeople } from '../audience/people/session.ts'
import type { App } from '../platform/app.ts'
import { faultOf } from '../platform/db/faults.ts'
import { withTransaction } from '../platform/db/transaction.ts'
import { withCanonicalAddresses } from './canonical-addresses.ts'
import { checkItem } from './process-check.ts'
import { type Counter, Counts, recordNotes, recordRejects } from './process-counters.ts'
import { storeEvents } from './process-events.ts'
import { findDuplicates } from './process-keys.ts'

/**
 * Handler of the jobs `item`: what becomes of accepted items. A batch is of one project and is processed in one
 * transaction by a handful of statements, however many items it has: duplicates, people, events, triggers, counters. A
 * redelivered batch changes nothing.
 *
 * An item that can't be processed doesn't hold up the others: the batch is halved until the item is alone. It is noted
 * in `ingest_rejects` when its data is at fault, and left to the queue's retries when we are.
 */
export const processItems =
  (app: App): BatchHandler =>
  async (jobs, context) => {
    const projectId = Number(jobs[0]!.tenant)
    const sound: Job<IngestItem>[] = []
    const rejects: { work: AcceptedItem; reason: string }[] = []
    for (const job of jobs as Job<IngestItem>[]) {
      const reason = checkItem(job.data)
      if (reason === undefined) sound.push(job)
      else rejects.push({ work: { jobId: job.id, item: job.data }, reason })
    }
    if (rejects.length > 0) await reject(app, projectId, rejects)
    // Whose events are stored before their person is merged or erased.
    const last = sound.filter(({ data }) => changesWhoByAddress(data))
    const first = last.length === 0 ? sound : sound.filter(({ data }) => !changesWhoByAddress(data))
    if (first.length > 0) await processOrHalve(app, projectId, first, context)
    if (last.length > 0) await processOrHalve(app, projectId, last, context)
  }

async function processOrHalve(
  app: App,
  projectId: number,
  jobs: Job<IngestItem>[],
  context: BatchContext,
): Promise<void> {
  context.signal.throwIfAborted()
  const works = jobs.map(toWork)
  try {
    await processWorks(app, projectId, works)
  } catch (error) {
    const fault = error instanceof QueueError ? 'system' : faultOf(error)
    if (fault === 'system') throw error
    if (jobs.length > 1) {
      const middle = jobs.length >> 1
      await processOrHalve(app, projectId, jobs.slice(0, middle), context)
      await processOrHalve(app, projectId, jobs.slice(middle), context)
    } else if (fault === 'data') {
      await reject(app, projectId, [{ work: works[0]!, reason: (error as Error).message }])
    } else {
      app.log.error({ err: error, projectId, jobId: jobs[0]!.id }, 'an item could not be processed')
      context.retry(jobs[0]!, error)
    }
  }
}

/** A time in the future would win over every write until it comes. */
const toWork = ({ id, data }: Job<IngestItem>): AcceptedItem => ({
  jobId: id,
  item: withCanonicalAddresses(data.at <= data.acceptedAt ? data : { ...data, at: data.acceptedAt }),
})

/** One batch in one transaction. */
async function processWorks(app: App, projectId: number, works: AcceptedItem[]): Promise<void> {
  const prepare = () =>
    ensurePartitions(
      app.pool,
      works.filter(({ item }) => item.kind === 'event').map(({ item }) => item.at),
    )
  const run = () =>
    withPeople(app, projectId, { exclusive: works.some(({ item }) => needsExclusive(item)) }, (session) =>
      processIn(session, works),
    )
  await prepare()
  try {
    await run()
  } catch (error) {
    if (!isMissingPartition(error)) throw error
    // Another process dropped it, because nobody needed it any more.
    forgetPartitions(app.pool)
    await prepare()
    await run()
  }
}

async function processIn(session: PeopleSession, works: AcceptedItem[]): Promise<void> {
  const counts = new Counts()
  const duplicates = await findDuplicates(session, works)
  const fresh = works.filter((_, index) => !duplicates.has(index))
  for (const index of duplicates) counts.add('duplicates', works[index]!.item.acceptedAt)

  const changed = await changePeople(session, fresh)
  await storeEvents(session, newEvents(session, fresh, changed), counts)
  const rejects = [...changed.refusals].map(([index, reason]) => ({ work: fresh[index]!, reason }))
  await recordRejects(session.app, session, rejects)
  await recordNotes(session.app, session, notesOf(fresh, changed))
  countFresh(counts, fresh, changed)
  await counts.save(session)
}

function notesOf(
  works: AcceptedItem[],
  { notes, refusals, erased }: Changed,
): { work: AcceptedItem; reason: string }[] {
  const told = [...notes].map(([index, reason]) => ({ work: works[index]!, reason }))
  for (const [index, work] of works.entries()) {
    const { note } = work.item
    if (note !== undefined && !refusals.has(index) && !erased.has(index)) told.push({ work, reason: note })
  }
  return told
}

function newEvents({ projectId }: PeopleSession, works: AcceptedItem[], changed: Changed): NewEvent[] {
  const events: NewEvent[] = []
  const folded = new Map<string, string>()
  for (const [index, { jobId, item }] of works.entries()) {
    const personId = changed.personIds[index]
    if (item.kind !== 'event' || personId === undefined) continue
    if (!folded.has(item.name)) folded.set(item.name, foldName(item.name))
    events.push({
      id: eventId(projectId, jobId),
      personId,
      name: item.name,
      foldedName: folded.get(item.name)!,
      properties: item.properties,
      source: item.source,
      occurredAt: new Date(item.at),
      receivedAt: new Date(item.acceptedAt),
    })
  }
  return events
}

const counterOf = {
  identify: 'identifies',
  tags: 'tags',
  merge: 'merges',
  subscription: 'subscriptions',
  suppression: 'suppressions',
  delete: 'deletes',
} satisfies Record<Exclude<IngestItem['kind'], 'event'>, Counter>

function countFresh(counts: Counts, works: AcceptedItem[], changed: Changed): void {
  for (const [index, { item }] of works.entries()) {
    if (changed.erased.has(index)) counts.add('erased', item.acceptedAt)
    else if (changed.refusals.has(index)) counts.add('rejected', item.acceptedAt)
    else if (item.kind !== 'event') counts.add(counterOf[item.kind], item.acceptedAt)
  }
}

async function reject(
  app: App,
  projectId: number,
  rejects: { work: AcceptedItem; reason: string }[],
): Promise<void> {
  await withTransaction(app.pool, async (client) => {
    await recordRejects(app, { client, projectId }, rejects)
    const counts = new Counts()
    for (const _ of rejects) counts.add('rejected', app.now().getTime())
    await counts.save({ client, projectId })
  })
}
