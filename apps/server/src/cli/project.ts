import { createProject, getProject, listProjects, type Project } from '../accounts/projects.ts'
import type { App } from '../platform/app.ts'
import { table } from './table.ts'
import { withApp } from './with-app.ts'
import { WrongArguments } from './wrong-arguments.ts'

interface Output {
  json?: boolean
}

export async function createProjectCommand(name: string, { json }: Output): Promise<void> {
  const { project, trackingKey, secretKey } = await withApp((app) => createProject(app, { name }), {
    mayCreate: true,
  })
  if (json) {
    return console.log(
      JSON.stringify({ project: { id: project.id, name: project.name }, trackingKey, secretKey }),
    )
  }
  console.log(`Project ${project.id}: ${project.name}`)
  console.log(`Tracking key   ${trackingKey}`)
  console.log(`Secret key     ${secretKey}`)
  console.log('Keep the keys: they are not shown again.')
}

export async function listProjectsCommand({ json }: Output): Promise<void> {
  const projects = await withApp((app) => listProjects(app))
  if (json)
    return console.log(
      JSON.stringify({ projects: projects.map(({ id, name, mode }) => ({ id, name, mode })) }),
    )
  if (projects.length === 0) return console.log('There are no projects.')
  console.log(
    table(
      ['id', 'name', 'mode'],
      projects.map(({ id, name, mode }) => [id, name, mode]),
    ),
  )
}

/** @throws {WrongArguments} when `text` is not the id of a project that is there */
export async function findProject(app: App, text: string | number): Promise<Project> {
  const id = Number(text)
  const isId = /^\d+$/.test(String(text)) && id > 0 && id <= maxId
  const project = isId ? await getProject(app, id).catch(unlessNotFound) : undefined
  if (!project)
    throw new WrongArguments(`There is no project "${text}": \`npx fairway project list\` shows their ids.`)
  return project
}

/** Of PostgreSQL's `integer`. */
const maxId = 2_147_483_647

function unlessNotFound(error: unknown): undefined {
  if ((error as { status?: number }).status !== 404) throw error
}
