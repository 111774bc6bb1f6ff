/** The package of the server carries the console: laid beside it while it is packed (`before`), and taken away (`after`). */
import { cpSync, rmSync } from 'node:fs'
import { build } from './build.mjs'

const carried = new URL('../apps/server/console', import.meta.url)

rmSync(carried, { recursive: true, force: true })
if (process.argv[2] === 'before') {
  await build()
  cpSync(new URL('../apps/dashboard/dist', import.meta.url), carried, { recursive: true })
}
