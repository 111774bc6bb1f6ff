import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
const bench = spawn(process.execPath, ['--import', 'tsx', '--conditions=source', file, ...rest], {
  stdio: 'inherit',
})
// The bench ends what it started, and this waits for it.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => bench.kill(signal))
const [status] = await once(bench, 'exit')
process.exit(status ?? 1)
