import { eventRows } from './event-rows.ts'
import type { ExportInput } from './export.ts'
import { messageRows } from './message-rows.ts'
import { memberRows, peopleRows } from './people-rows.ts'
import type { RowSource } from './row-source.ts'

/** What an export reads, by its kind. */
export function rowSource(projectId: number, input: ExportInput): RowSource {
  const { format, of } = input
  switch (of.kind) {
    case 'people':
      return peopleRows(format, { projectId, ...of, at: new Date(of.at) })
    case 'segment':
      return memberRows(format, { projectId, ...of, at: new Date(of.at) })
    case 'events':
      return eventRows(format, { projectId, ...of })
    case 'messages':
      return messageRows({ projectId, ...of })
  }
}
