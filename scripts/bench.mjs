import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from './build.mjs'

const benches = readdirSync(new URL('../bench/src/', import.meta.url))
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.replace('.bench.ts', ''))
const [name, ...rest] = process.argv.slice(2)

if (!benches.includes(name)) {
  console.error(`Usage: npm run bench -- NAME [--runs 5] [--quick]\nNAME is one of: ${benches.join(', ')}`)
  process.exit(2)
}
await build()
const file = fileURLToPath(new URL(`../bench/src/${name}.bench.ts`, import.meta.url))
const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--conditions=source', file, ...rest], {
  stdio: 'inherit',
})
process.exit(status ?? 1)
