import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { withLock } from './lock.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What is built, from what. `outputs` must exist for a build to count as fresh. */
const targets = {
  server: {
    inputs: [
      'packages/api/src',
      'packages/client/src',
      'packages/queue/src',
      'apps/server/src',
      'packages/api/tsconfig.json',
      'packages/client/tsconfig.json',
      'packages/queue/tsconfig.json',
      'apps/server/tsconfig.json',
    ],
    outputs: [
      'packages/api/dist/index.js',
      'packages/client/dist/index.js',
      'packages/queue/dist/index.js',
      'apps/server/dist/cli/main.js',
      'apps/server/dist/platform/db/migrations',
    ],
    build() {
      const folders = ['packages/api', 'packages/client', 'packages/queue', 'apps/server']
      run('typescript/bin/tsc', ['-b', ...folders])
      for (const folder of folders) dropWithoutSource(join(root, folder))
      copySql(
        join(root, 'apps/server/src/platform/db/migrations'),
        join(root, 'apps/server/dist/platform/db/migrations'),
      )
    },
  },
  console: {
    inputs: [
      'apps/dashboard/src',
      'apps/dashboard/public',
      'apps/dashboard/index.html',
      'apps/dashboard/vite.config.ts',
      'apps/dashboard/package.json',
    ],
    outputs: ['apps/dashboard/dist/index.html', 'apps/dashboard/dist/index.html.br'],
    build() {
      const config = 'apps/dashboard/vite.config.ts'
      run('vite/bin/vite.js', ['build', '--logLevel', 'warn', 'apps/dashboard', '--config', config])
      compressFiles(join(root, 'apps/dashboard/dist'))
    },
  },
}

/**
 * Builds what is older than its sources; does nothing in a few milliseconds otherwise. Several processes may call it at
 * once: one builds, the others wait.
 */
export async function build(names = Object.keys(targets)) {
  const stamps = join(root, '.cache', 'build')
  mkdirSync(stamps, { recursive: true })
  for (const name of names) {
    const stamp = join(stamps, name)
    if (isFresh(name, stamp)) continue
    await withLock(`${stamp}.lock`, () => {
      if (isFresh(name, stamp)) return
      const fingerprint = fingerprintOf(name)
      console.error(`Building the ${name} …`)
      targets[name].build()
      writeFileSync(stamp, fingerprint)
    })
  }
}

function isFresh(name, stamp) {
  if (!targets[name].outputs.every((output) => existsSync(join(root, output)))) return false
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprintOf(name)
}

/** Of names, sizes and times of change; another lock file means other dependencies. */
function fingerprintOf(name) {
  const hash = createHash('sha256')
  for (const input of [
    ...targets[name].inputs,
    'package-lock.json',
    'tsconfig.base.json',
    'scripts/build.mjs',
  ])
    add(join(root, input))
  return hash.digest('hex')

  function add(path) {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat?.isDirectory()) for (const entry of readdirSync(path).sort()) add(join(path, entry))
    else if (stat) hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`)
  }
}

/** What was compiled from files that are gone would be packed and shipped. */
function dropWithoutSource(folder) {
  const dist = join(folder, 'dist')
  for (const file of readdirSync(dist, { recursive: true })) {
    const source = /^(.*?)\.(?:js|d\.ts|js\.map|d\.ts\.map)$/.exec(file)
    if (source && !existsSync(join(folder, 'src', `${source[1]}.ts`))) rmSync(join(dist, file))
  }
}

/** Beside what was compiled there; files that are gone go. */
function copySql(from, to) {
  mkdirSync(to, { recursive: true })
  const isSql = (file) => extname(file) === '.sql'
  for (const file of readdirSync(to).filter(isSql)) rmSync(join(to, file))
  for (const file of readdirSync(from).filter(isSql)) copyFileSync(join(from, file), join(to, file))
}

const compressible = new Set(['.css', '.html', '.js', '.json', '.svg'])
/** Below it a file is one packet either way. */
const leastBytes = 1_024

/** Leaves `file.br` and `file.gz` beside each, for the server to send. */
function compressFiles(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) compressFiles(path)
    else if (compressible.has(extname(path)) && statSync(path).size >= leastBytes) {
      const bytes = readFileSync(path)
      const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
      writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }))
      writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
    }
  }
}

function run(tool, args) {
  const path = join(root, 'node_modules', tool)
  if (!existsSync(path))
    throw new Error(`${tool} is not installed: run \`npm ci\` first (with development dependencies).`)
  const { status } = spawnSync(process.execPath, [path, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`\`${tool} ${args.join(' ')}\` failed.`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const names = process.argv.slice(2)
    await build(names.length > 0 ? names : undefined)
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
