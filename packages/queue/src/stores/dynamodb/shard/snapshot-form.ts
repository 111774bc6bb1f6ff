import { grantTo, type Head, overflowOf, type Stream } from './head.ts'
import type { Effects } from './operations.ts'
import { type Chunk, chunkOf, type PageQueue } from './page-queue.ts'
import type { ShardState } from './state.ts'
import { fromLine, type Line, lineOf, type StoredPage, type StreamAddress } from './stored-page.ts'

type ChunkForm = [id: string, count: number, jobs: number, bytes: number, firstAt: number, since: number]
/** Pages in memory and chunks on disk, alternating as they come. */
type QueueForm = ({ pages: Line[] } | { chunk: ChunkForm })[]
type StreamForm = [
  name: string,
  openAt: number | null,
  servedAt: number,
  servedLease: number,
  queue: QueueForm,
]

interface HeadForm {
  lane: string
  tenant: string
  /** Virtual time beyond that of its lane: lanes of different owners count from different beginnings. */
  lag: number
  cost: number
  closedUntil: number | null
  pacedUntil: number | null
  grants: [lease: number, slots: number][]
  waiting: [jobs: number, bytes: number]
  streams: StreamForm[]
  overflow: QueueForm
}

/** The state of a shard as it is written to the table, in the form of JSON. */
export interface SnapshotForm {
  version: 1
  intake: { cursor: number; ahead: number[] }
  seq: number
  heads: HeadForm[]
  leases: [lease: number, worker: number, pages: Line[]][]
  due: { pages: Line[]; chunks: [id: string, count: number, dueAt: number][] }
  scheduled: [lane: string, jobs: number, bytes: number][]
  settled: [worker: number, number: number, held: number[]][]
  /** Recorded, but perhaps not done yet. */
  effects: Effects[]
}

export function encodeState(
  state: ShardState,
  intake: SnapshotForm['intake'],
  effects: Iterable<Effects>,
): SnapshotForm {
  return {
    version: 1,
    intake,
    seq: state.seq,
    heads: [...state.heads.values()]
      .filter((head) => !state.isSpent(head))
      .map((head) => headForm(state, head)),
    leases: [...state.leases].map(([id, { worker, pages }]) => [
      id,
      worker,
      [...pages.values()].map((page) => lineOf(page, true)),
    ]),
    due: {
      pages: [...state.due.pages, ...state.due.chunks.flatMap(({ pages }) => pages ?? [])].map((page) =>
        lineOf(page, true),
      ),
      chunks: state.due.chunks
        .filter(({ pages }) => !pages)
        .map(({ id, count, dueAt }) => [id, count, dueAt]),
    },
    scheduled: [...state.scheduled].map(([lane, { jobs, bytes }]) => [lane, jobs, bytes]),
    settled: [...state.settled].map(([worker, { number, held }]) => [worker, number, held]),
    effects: [...effects],
  }
}

function headForm(state: ShardState, head: Head): HeadForm {
  return {
    lane: head.lane,
    tenant: head.tenant,
    lag: head.vtime - state.around.lanes.get(head.lane).vtime,
    cost: head.cost,
    closedUntil: head.closedUntil ?? null,
    pacedUntil: head.pacedUntil ?? null,
    grants: [...head.grants],
    waiting: [head.waitingJobs, head.waitingBytes],
    streams: [...head.streams.values()].map(({ name, openAt, served, queue }) => [
      ...([name, openAt ?? null, served.at, served.lease] as const),
      queueForm(queue, false),
    ]),
    overflow: queueForm(head.overflow, true),
  }
}

function queueForm(queue: PageQueue, named: boolean): QueueForm {
  const lines = (pages: StoredPage[]) => ({ pages: pages.map((page) => lineOf(page, named)) })
  const form: QueueForm = queue.empty ? [] : [lines(queue.front)]
  // A chunk that is not on disk yet is written down page by page.
  for (const { id, count, jobs, bytes, firstAt, since, pages } of queue.chunks)
    form.push(pages ? lines(pages) : { chunk: [id, count, jobs, bytes, firstAt, since] })
  if (queue.back.length > 0) form.push(lines(queue.back))
  return form
}

/** Fills an empty state. */
export function decodeState(form: SnapshotForm, state: ShardState): void {
  state.seq = form.seq
  for (const head of form.heads) restoreHead(head, state)
  for (const [id, worker, lines] of form.leases) {
    const pages = lines.map((line) => fromLine(line))
    state.leases.set(id, { worker, pages: new Map(pages.map((page) => [page.seq, page])) })
    state.countPages(pages.length)
    for (const page of pages) {
      const head = state.head(page.lane, page.tenant)
      const stream = head.streams.get(page.stream)
      if (stream) stream.leased ||= page.stream.startsWith('k')
      else if (page.stream.startsWith('k')) state.stream(head, page.stream).leased = true
    }
  }
  for (const head of state.heads.values()) {
    for (const stream of [...head.streams.values()]) state.refreshStream(head, stream)
    state.refresh(head)
  }
  for (const line of form.due.pages) state.arrive(fromLine(line))
  for (const [id, count, dueAt] of form.due.chunks)
    state.due.chunks.push({ id, count, dueAt, pages: undefined })
  state.scheduled.clear()
  for (const [lane, jobs, bytes] of form.scheduled) state.scheduled.set(lane, { jobs, bytes })
  for (const [worker, number, held] of form.settled) state.settled.set(worker, { number, held })
}

function restoreHead(form: HeadForm, state: ShardState): void {
  const { lane, tenant } = form
  const head = state.head(lane, tenant)
  head.vtime = state.around.lanes.get(lane).vtime + form.lag
  head.cost = form.cost
  head.closedUntil = form.closedUntil ?? undefined
  head.pacedUntil = form.pacedUntil ?? undefined
  if (form.closedUntil !== null || form.pacedUntil !== null) state.timed.add(head)
  for (const [lease, slots] of form.grants) grantTo(head, lease, slots)
  ;[head.waitingJobs, head.waitingBytes] = form.waiting
  for (const [name, openAt, at, lease, queue] of form.streams) {
    const stream: Stream = state.stream(head, name)
    stream.openAt = openAt ?? undefined
    if (openAt !== null) state.timed.add(head)
    stream.served = { at, lease }
    const count = fillQueue(stream.queue, queue, state, { lane, tenant, stream: name })
    if (name.startsWith('k')) head.keyed += count
    state.noteLong({ queue: stream.queue, head, stream })
  }
  if (form.overflow.length > 0) fillQueue(overflowOf(head), form.overflow, state)
  state.noteLong({ queue: head.overflow, head, stream: undefined })
}

function fillQueue(queue: PageQueue, form: QueueForm, state: ShardState, place?: StreamAddress): number {
  let count = 0
  const decode = (lines: Line[]) => {
    count += lines.length
    state.countPages(lines.length)
    return lines.map((line) => Object.assign(fromLine(line, place), { order: state.nextOrder() }))
  }
  for (const [index, member] of form.entries()) {
    if ('chunk' in member) queue.chunks.push(chunkFrom(member.chunk))
    else if (queue.chunks.length === 0) for (const page of decode(member.pages)) queue.push(page)
    else if (index === form.length - 1) queue.back = decode(member.pages)
    else queue.chunks.push(chunkOf('', decode(member.pages)))
  }
  return count
}

function chunkFrom([id, count, jobs, bytes, firstAt, since]: ChunkForm): Chunk {
  return { id, count, jobs, bytes, firstAt, since, pages: undefined }
}
