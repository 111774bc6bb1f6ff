import { isMovedKey } from '../moved-key.ts'
import type { Section, SectionRow, Store } from '../store.ts'
import { contentOf } from './page-mover.ts'

const rowsAtOnce: Record<Section, number> = {
  scheduled: 500,
  dead: 100,
  unique: 500,
  cancelled: 500,
  progress: 500,
  tenants: 100,
  schedules: 100,
}

/** Takes the first rows of a section over; returns how many jobs, or rows, these were. Each step may be repeated. */
export async function moveSection(from: Store, to: Store, section: Section, origin: string): Promise<number> {
  const rows = await from.dump(section, rowsAtOnce[section])
  if (rows.length === 0) return 0
  const wanted = rows.filter(({ value }) => !('key' in value && isMovedKey(value.key)))
  if (wanted.length > 0) await to.load(section, wanted.map(named), origin)
  await from.erase(section, rows)
  return section === 'scheduled' ? rows.reduce((sum, { value }) => sum + jobsOf(value), 0) : rows.length
}

/** Pages are known by what is in them: given back by a mover that died, one has another ref. */
function named<S extends Section>(row: SectionRow<S>): SectionRow<S> {
  return 'body' in row.value ? { ...row, ref: contentOf(row.value) } : row
}

const jobsOf = (value: object): number => ('jobs' in value ? Number(value.jobs) : 1)

/** Takes a whole section over. */
export async function moveWholeSection(
  from: Store,
  to: Store,
  section: Section,
  origin: string,
): Promise<void> {
  while ((await moveSection(from, to, section, origin)) > 0);
}
