import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import {
  type ExportFormat,
  type ExportKind,
  finishedFile,
  getExport,
  removeExport,
  startExport,
} from '../exchange/exports/export.ts'
import { readRequest } from '../exchange/exports/request.ts'
import type { App } from '../platform/app.ts'
import { readFile } from '../platform/files/files.ts'
import { CommandFailed } from './command-failed.ts'
import { followTask } from './progress.ts'
import { findProject } from './project.ts'
import { withApp } from './with-app.ts'
import { WrongArguments } from './wrong-arguments.ts'

export interface ExportOptions {
  project: number
  format: ExportFormat
  output?: string
  segment?: number
  conditions?: string
  event?: string
  from?: string
  to?: string
  bom?: boolean
  keepFormulas?: boolean
  json?: boolean
}

const kinds = ['people', 'events', 'messages'] as const

/** Makes an export, waits for it, and writes its file here; nothing of it stays on the server. */
export async function exportCommand(what: string, options: ExportOptions): Promise<void> {
  const kind = kinds.find((one) => one === what)
  if (!kind) throw new WrongArguments(`There are exports of ${kinds.join(', ')}, not of ${what}.`)
  const { json, output } = options
  if (json && output === undefined) throw new WrongArguments('With --json, name the file: -o FILE.')
  const made = await withApp((app) => runExport(app, kind, options))
  if (json) console.log(JSON.stringify(made))
  else if (output !== undefined) console.error(`${made.rows.toLocaleString('en')} rows are in ${output}.`)
}

async function runExport(app: App, kind: ExportKind, options: ExportOptions) {
  const { project, format, segment, conditions, event, from, to, bom, keepFormulas, output } = options
  await findProject(app, project)
  const request = {
    kind: segment === undefined ? kind : 'segment',
    format,
    segment,
    conditions: conditions === undefined ? undefined : parseJson(conditions),
    event,
    from,
    to,
    bom,
    formulas: keepFormulas ? ('kept' as const) : undefined,
  } as const
  if (segment !== undefined && kind !== 'people') throw new WrongArguments('--segment goes with people.')
  const { id, task } = await startExport(app, project, await readRequest(app, project, request))
  const ended = await followTask(app, project, task.id, 'rows')
  if (ended.state !== 'done')
    throw new CommandFailed(`The export ${ended.state}: ${ended.message ?? 'by request'}`)
  const { rows, bytes } = await getExport(app, project, id)
  await save(app, project, id, output)
  await removeExport(app, project, id)
  return { kind: request.kind, format, rows, bytes, file: output ?? null }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new WrongArguments(`--conditions must be JSON: ${(error as Error).message}.`)
  }
}

/** Under its name only when it is whole. */
async function save(app: App, projectId: number, id: number, output: string | undefined): Promise<void> {
  const file = await finishedFile(app, projectId, id)
  const content = readFile(app.pool, projectId, file.id)
  if (output === undefined) return pipeline(content, process.stdout, { end: false })
  const part = `${output}.part`
  try {
    await pipeline(content, createWriteStream(part))
    await rename(part, output)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}
