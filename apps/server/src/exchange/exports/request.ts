import { expandFor } from '../../audience/segments/segment.ts'
import type { App } from '../../platform/app.ts'
import { conflict, invalidField } from '../../platform/errors.ts'
import { parseChosen } from '../bulk/chosen.ts'
import type { ExportFormat, ExportKind, NewExport, Selection } from './export.ts'

/** The body of `POST /exports`. */
export interface ExportRequest {
  kind: ExportKind
  format: ExportFormat
  segment?: number
  conditions?: unknown
  event?: string
  from?: string
  to?: string
  bom?: boolean
  formulas?: 'guarded' | 'kept'
}

/** Which members go with which kind. */
const membersOf: Record<ExportKind, (keyof ExportRequest)[]> = {
  people: ['conditions'],
  segment: ['segment', 'conditions'],
  events: ['event', 'from', 'to'],
  messages: ['from', 'to'],
}
const selecting = ['segment', 'conditions', 'event', 'from', 'to'] as const

/** @throws {ApiError} 422 for what does not go together or is not there, 409 for a segment that is not complete */
export async function readRequest(app: App, projectId: number, request: ExportRequest): Promise<NewExport> {
  const { kind, format } = request
  for (const member of selecting)
    if (request[member] !== undefined && !membersOf[kind].includes(member))
      throw invalidField(member, `does not go with an export of ${kind}`)
  if (format === 'ndjson')
    for (const member of ['bom', 'formulas'] as const)
      if (request[member] !== undefined) throw invalidField(member, 'is for the format csv')
  return {
    format,
    title: `Export ${titleOf(request)} as ${format === 'csv' ? 'CSV' : 'NDJSON'}`,
    csv: { bom: request.bom ?? false, guardFormulas: request.formulas !== 'kept' },
    of: await readSelection(app, projectId, request),
  }
}

function titleOf({ kind, event, conditions }: ExportRequest): string {
  if (kind === 'segment') return 'members of a segment'
  if (conditions !== undefined) return 'people by conditions'
  return event === undefined ? kind : `events "${event}"`
}

async function readSelection(app: App, projectId: number, request: ExportRequest): Promise<Selection> {
  const { kind, event } = request
  if (kind === 'people') return { kind, ...(await readPeople(app, projectId, request)) }
  if (kind === 'segment') {
    if (request.segment === undefined) throw invalidField('segment', 'is needed: the id of a segment')
    const { segment } = await parseChosen(app, projectId, { segment: request.segment })
    await requireBuilt(app, projectId, segment!)
    return { kind, segment: segment!, ...(await readPeople(app, projectId, request)) }
  }
  const from = readTime('from', request.from)
  const to = readTime('to', request.to) ?? app.now().toISOString()
  if (from !== null && from >= to) throw invalidField('from', 'must be before `to`, which is now by default')
  return kind === 'events' ? { kind, event: event ?? null, from, to } : { kind, from, to }
}

function readTime(field: 'from' | 'to', text: string | undefined): string | null {
  if (text === undefined) return null
  const time = new Date(text)
  const year = time.getUTCFullYear()
  if (Number.isNaN(year) || year < 1 || year > 9_999)
    throw invalidField(field, 'must be a time such as 2026-11-23T09:00:00Z')
  return time.toISOString()
}

async function readPeople(app: App, projectId: number, request: ExportRequest) {
  const { conditions } = await parseChosen(app, projectId, { conditions: request.conditions })
  return {
    until: await newestPerson(app, projectId),
    conditions: conditions ? await expandFor(app, app.pool, projectId, conditions) : null,
    at: app.now().toISOString(),
  }
}

/** While a segment is built, most of its members are missing. */
async function requireBuilt(app: App, projectId: number, segment: number): Promise<void> {
  const { rows } = await app.pool.query<{ state: string }>(
    'select state from segments where project_id = $1 and id = $2',
    [projectId, segment],
  )
  if (rows[0]?.state === 'building') throw conflict('The segment is being built; export it when that is done')
}

async function newestPerson(app: App, projectId: number): Promise<number> {
  const { rows } = await app.pool.query<{ id: number }>(
    'select coalesce(max(id), 0) as id from people where project_id = $1',
    [projectId],
  )
  return rows[0]!.id
}
