import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from './build.mjs'

try {
  await build()
  const file = fileURLToPath(new URL('../demo/main.ts', import.meta.url))
  const demo = spawn(
    process.execPath,
    ['--import', 'tsx', '--conditions=source', file, ...process.argv.slice(2)],
    {
      stdio: 'inherit',
    },
  )
  // Ctrl-C reaches the demo through the terminal; it ends by itself, and this process with it.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => demo.kill('SIGTERM'))
  demo.on('exit', (code) => process.exit(code ?? 1))
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
