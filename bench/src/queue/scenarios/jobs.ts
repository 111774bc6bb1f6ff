import { randomBytes } from 'node:crypto'
import type { JobInput } from '@fairway/queue'
import { randomFrom } from '../../random.ts'
import { jobId } from '../crash-jobs.ts'
import type { Source } from './scenario.ts'

export const lane = 'bench'

export interface Data {
  n: number
  ms: number
  pad: string
}

/** Each source numbers its jobs from here, so that a number tells whose it is. */
export const numbersPerSource = 2 ** 28

/** Which tenant of a source has its `index`th job. */
export function tenantOf({ tenants, together = tenants, jobs }: Source, index: number): number {
  if (together === tenants) return index % tenants
  const perGroup = (together * jobs) / tenants
  return Math.floor(index / perGroup) * together + (index % together)
}

export function keyOf({ tenants, keys }: Source, index: number): number | undefined {
  return keys && Math.floor(index / tenants) % keys
}

const filler = 'x'.repeat(150)
let noise = ''

function padding({ bytes }: Source, index: number): string {
  if (!bytes) return filler
  const [least, most] = bytes
  // Random, so that PostgreSQL can't compress it; cut at another place each time.
  noise ||= randomBytes(most).toString('base64')
  const size = Math.round(least * (most / least) ** randomFrom(index)())
  return noise.slice(0, size)
}

export function makeJob(
  source: Source,
  first: number,
  index: number,
  runAt: Date | undefined,
): JobInput<Data> {
  const key = keyOf(source, index)
  return {
    lane,
    tenant: `${source.prefix}-${tenantOf(source, index)}`,
    name: source.ending ?? 'job',
    id: jobId(first + index),
    data: { n: first + index, ms: source.ms, pad: padding(source, index) },
    ...(key !== undefined && { key: `key-${key}` }),
    ...(runAt && { runAt }),
  }
}
