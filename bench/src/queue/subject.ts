/** The process of one system under test, client and worker in one. Arguments: kind, url. Does one task at a time. */
import { type Kind, openSystem } from './system.ts'
import { type Task, tasks } from './tasks.ts'

const [kind, url] = process.argv.slice(2) as [Kind, string]
const system = await openSystem(kind, url)

process.on('message', async ({ name, input }: { name: keyof typeof tasks; input: unknown }) => {
  try {
    const output = await (tasks[name] as Task)(system, input, url)
    process.send!({ output: output ?? null })
  } catch (error) {
    process.send!({ error: (error as Error).stack })
  }
})
// The bench ends it, or died itself.
process.once('disconnect', () => process.exit(0))
process.send!('ready')
