import type { Shard } from './shard.ts'
import type { StoredPage } from './stored-page.ts'

/**
 * Removes what waits and is scheduled of a tenant; what is leased runs to its end, and a key of which a page is leased stays
 * exclusive. It is in a snapshot when this resolves: a crash before leaves everything as it was. Returns the jobs removed.
 */
export async function purge(shard: Shard, tenant: string): Promise<number> {
  const { state, disk } = shard
  const removed: StoredPage[] = []
  let jobs = 0
  const onDisk: string[] = []
  for (const head of state.heads.values()) {
    if (head.tenant !== tenant) continue
    jobs += head.waitingJobs
    for (const queue of [head.overflow, ...[...head.streams.values()].map((stream) => stream.queue)]) {
      onDisk.push(...queue.chunks.filter(({ pages }) => !pages).map(({ id }) => id))
      removed.push(...queue.inMemory())
    }
    for (const stream of [...head.streams.values()]) {
      if (stream.heapIndex >= 0) head.open.remove(stream)
      stream.queue.clear()
      state.refreshStream(head, stream)
    }
    head.overflow.clear()
    Object.assign(head, { keyed: 0, waitingJobs: 0, waitingBytes: 0 })
    state.refresh(head)
  }
  state.countPages(-removed.length)
  disk.spend(onDisk)
  for (const id of onDisk) removed.push(...(await shard.segments.read(id)))

  const scheduled = await takeScheduled(shard, (page) => page.tenant === tenant)
  jobs += scheduled.reduce((sum, page) => sum + page.jobs, 0)
  await shard.snapshot()
  const withBlobs = [...removed, ...scheduled].filter((page) => page.blobs)
  await shard.home.blobs.delete(await shard.home.bodies.blobsOf(shard.number, withBlobs))
  return jobs
}

/** Takes scheduled pages out of memory and, chunk by chunk, of what is on disk. */
async function takeScheduled(shard: Shard, wanted: (page: StoredPage) => boolean): Promise<StoredPage[]> {
  const { state, disk } = shard
  const taken: StoredPage[] = []
  for (const chunk of [...state.due.chunks]) {
    const pages = chunk.pages ?? (await shard.segments.read(chunk.id))
    if (!state.due.chunks.includes(chunk) || !pages.some(wanted)) continue
    // Only chunks with such pages come into memory; the rest of their pages stays there until it is too much.
    disk.absorbDue(chunk, pages)
  }
  for (const page of [...state.due.pages]) {
    if (!wanted(page)) continue
    state.due.remove(page)
    state.countScheduled(page, -1)
    state.countPages(-1)
    taken.push(page)
  }
  return taken
}
