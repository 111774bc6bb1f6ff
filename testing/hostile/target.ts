import { startServerProcess } from '../process.ts'
import type { Project } from './tenant.ts'

/** A server to attack, with the hostile project and the one that should not notice. */
export interface Target {
  url: string
  hostile: Project
  quiet: Project
  /** Makes one more project; absent as below. */
  create?(name: string): Promise<Project>
  /** Ends it as a power cut would and starts it again; absent for a server that was not started here. */
  restart?(): Promise<void>
  close(): Promise<void>
}

/** A real server in processes of its own, on data of its own that go with it. */
export async function startTarget(env: Record<string, string> = {}): Promise<Target> {
  const server = await startServerProcess({ env: { FAIRWAY_LOG_LEVEL: 'info', ...env } })
  const create = async (name: string): Promise<Project> => {
    const { project, ...keys } = JSON.parse(await server.cli('project', 'create', name, '--json'))
    return { id: String(project.id), ...keys }
  }
  try {
    return {
      url: server.url,
      hostile: await create('Hostile'),
      quiet: await create('Quiet'),
      create,
      restart: () => server.restart(),
      close: () => server.dispose(),
    }
  } catch (error) {
    await server.dispose()
    throw error
  }
}
