import type { Operation } from './operations.ts'
import type { Shard } from './shard.ts'
import type { QueueAddress } from './state.ts'
import { type StoredPage, sinceOf } from './stored-page.ts'

/** Pages written again in one round; a round comes every minute. */
const maxPages = 5_000

/**
 * Writes the bodies of pages that have waited for long again, before TTL takes their items: a paused tenant's work may wait
 * for years. Returns how many it wrote.
 */
export async function refresh(shard: Shard): Promise<number> {
  const before = shard.home.now() - shard.home.bodies.refreshAfterMs
  let count = 0
  for (const place of queuesOf(shard)) {
    const { queue } = place
    if (count >= maxPages || shard.lost) break
    const old = [...queue.front, ...queue.back].filter((page) => sinceOf(page) < before)
    count += await writeAgain(shard, old)
    for (const chunk of queue.chunks.filter((one) => one.since < before)) {
      if (count >= maxPages || !(await shard.disk.takeUp(chunk, place))) break
      count += await writeAgain(shard, chunk.pages!)
      chunk.since = Math.min(...chunk.pages!.map(sinceOf))
      shard.disk.putAway(chunk, place)
    }
  }
  return count
}

function queuesOf(shard: Shard): QueueAddress[] {
  return [...shard.state.heads.values()].flatMap((head) => [
    ...[...head.streams.values()].map((stream) => ({ queue: stream.queue, head, stream })),
    { queue: head.overflow, head, stream: undefined },
  ])
}

async function writeAgain(shard: Shard, pages: StoredPage[]): Promise<number> {
  if (pages.length === 0) return 0
  const bodies = await shard.home.bodies.readAvailable(shard.number, pages)
  const there = pages.flatMap((page, n) => {
    const body = bodies[n]
    return body === undefined ? [] : [{ page, body, parts: page.parts }]
  })
  const at = shard.home.now()
  const written = await shard.write(
    there.map(({ page: { lane, tenant, stream, jobs, bytes }, body }) => ({
      lane,
      tenant,
      stream,
      jobs,
      bytes,
      body,
    })),
  )
  shard.check()
  const operation: Operation = { t: 'move', at, moves: [] }
  for (const [n, { page, parts }] of there.entries()) {
    const part = written[n]!
    // Restored meanwhile: it has other bodies.
    if (page.parts !== parts) continue
    operation.moves.push([
      parts.flatMap(({ item, entry }) => [item, entry]),
      [part.item, part.entry, part.jobs, part.bytes],
    ])
    page.parts = [part]
    page.since = at
  }
  await shard.push(operation)
  return operation.moves.length
}
