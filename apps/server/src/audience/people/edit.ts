import { randomUUID } from 'node:crypto'
import type { App } from '../../platform/app.ts'
import { faultOf } from '../../platform/db/faults.ts'
import { badRequest, invalidField, notFound } from '../../platform/errors.ts'
import type { IngestItem } from '../items/item.ts'
import { maxStoredIdLength } from '../items/limits.ts'
import { changePeople, needsExclusive } from './change.ts'
import { refOf } from './identity.ts'
import { findPerson, loadPerson, type Person } from './person.ts'
import { loadReceipt, type Receipt, receiptId } from './receipts.ts'
import { withPeople } from './session.ts'

/** How the REST API names a person in a path: by our number, or `id:` and the product's own id. */
export type PersonPath = { internal: number } | { external: string }

/** In characters: an id that is stored leads to its person however long it is. */
export const maxPersonPathLength = 'id:'.length + maxStoredIdLength

/** @throws {ApiError} 422 */
export function parsePersonPath(text: string): PersonPath {
  if (/^[1-9]\d{0,14}$/.test(text)) return { internal: Number(text) }
  if (text.startsWith('id:') && text.length > 3) return { external: text.slice(3) }
  throw invalidField('person', 'must be a number, or id: followed by your own id of the person')
}

/** @throws {ApiError} 404 */
export async function requirePerson(app: App, projectId: number, path: PersonPath): Promise<Person> {
  const person =
    'internal' in path
      ? await loadPerson(app.pool, projectId, path.internal)
      : await findPerson(app.pool, projectId, path.external)
  if (!person) throw notFound('Person')
  return person
}

type Edit = IngestItem extends infer Item
  ? Item extends IngestItem
    ? Omit<Item, 'at' | 'acceptedAt' | 'source'>
    : never
  : never

/**
 * Changes a person at once, by the same rules as ingestion.
 *
 * @returns the person's id, undefined when there is nobody to change
 * @throws {ApiError} 400 or 422 for what can't be stored
 */
export async function editPerson(
  app: App,
  projectId: number,
  edit: Edit,
  by?: string,
): Promise<number | undefined> {
  return (await applyEdit(app, projectId, edit, by)).personId
}

/**
 * Erases a person at once.
 *
 * @param requestedBy for the receipt
 */
export async function erasePerson(
  app: App,
  projectId: number,
  person: Person,
  requestedBy: string,
): Promise<Receipt> {
  const { jobId } = await applyEdit(app, projectId, { kind: 'delete', person: refOf(person), requestedBy })
  return (await loadReceipt(app, projectId, receiptId(projectId, jobId)))!
}

async function applyEdit(app: App, projectId: number, edit: Edit, by?: string) {
  const now = app.now().getTime()
  const item = { ...edit, at: now, acceptedAt: now, source: 'rest' } as IngestItem
  // Comes after every job of the same millisecond.
  const jobId = `${now.toString(36)}~${randomUUID()}`
  const work = { jobId, item }
  try {
    const personId = await withPeople(
      app,
      projectId,
      { exclusive: needsExclusive(item), by },
      async (session) => {
        const { refusals, personIds } = await changePeople(session, [work])
        const refusal = refusals.get(0)
        // In the transaction, or a refused person would stay behind, empty.
        if (refusal !== undefined) throw invalidField('properties', refusal)
        return personIds[0]
      },
    )
    return { personId, jobId }
  } catch (error) {
    if (faultOf(error) === 'data') throw badRequest(`A value can't be stored: ${(error as Error).message}`)
    throw error
  }
}
