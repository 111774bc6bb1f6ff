import type { Transaction } from '@fairway/queue'
import { loadZones } from '../../audience/conditions/load-zones.ts'
import { eventRows } from './event-rows.ts'
import type { ExportInput } from './export.ts'
import { messageRows } from './message-rows.ts'
import { memberRows, peopleRows } from './people-rows.ts'
import type { RowSource } from './row-source.ts'

/** What an export reads, by its kind. */
export async function rowSource(
  client: Transaction,
  projectId: number,
  input: ExportInput,
): Promise<RowSource> {
  const { format, of } = input
  switch (of.kind) {
    case 'people':
      return peopleRows(format, { projectId, ...of, ...(await momentOf(client, projectId, of)) })
    case 'segment':
      return memberRows(format, { projectId, ...of, ...(await momentOf(client, projectId, of)) })
    case 'events':
      return eventRows(format, { projectId, ...of })
    case 'messages':
      return messageRows({ projectId, ...of })
  }
}

const momentOf = async (
  client: Transaction,
  projectId: number,
  { at, conditions }: Extract<ExportInput['of'], { conditions: unknown }>,
) => ({ at: new Date(at), zones: await loadZones(client, projectId, conditions) })
