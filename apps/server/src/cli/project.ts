import { createProject } from '../accounts/projects.ts'
import { withApp } from './with-app.ts'

export async function createProjectCommand(name: string, { json }: { json?: boolean }): Promise<void> {
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
