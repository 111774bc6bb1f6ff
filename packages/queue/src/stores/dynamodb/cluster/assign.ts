import { hash } from '../keys.ts'

/**
 * Which member is to own which shard: every member the same number, give or take one, and few shards move when a member
 * comes or goes (rendezvous hashing with bounded loads). Everybody computes it alike from the same list, so that no leader
 * is needed; while lists differ, ownership itself keeps two from serving one shard.
 */
export function assign(shards: number, members: Iterable<string>): string[] {
  const names = [...members].sort()
  if (names.length === 0) return []
  const least = Math.floor(shards / names.length)
  let extras = shards % names.length
  const loads = new Map(names.map((name) => [name, 0]))
  return Array.from({ length: shards }, (_, shard) => {
    const ranked = names
      .map((name) => ({ name, rank: hash(`${name}/${shard}`) }))
      .sort((a, b) => b.rank - a.rank)
    for (const { name } of ranked) {
      const load = loads.get(name)!
      if (load < least || (load === least && extras > 0)) {
        if (load === least) extras--
        loads.set(name, load + 1)
        return name
      }
    }
    throw new Error('unreachable: the loads add up to the number of shards')
  })
}
