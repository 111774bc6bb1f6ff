import { readFileSync } from 'node:fs'
import { build } from './build.mjs'

try {
  await build()
  stopWithParent()
  warnOfNpmAsFirstProcess()
  // The server runs in this very process, so that signals reach it without a middleman.
  process.argv = [process.argv[0], 'fairway', 'start', ...process.argv.slice(2)]
  await import('../apps/server/dist/cli/main.js')
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

/** npm starts us through a shell that passes no signal on: it just ends, and we are left to another parent. */
function stopWithParent() {
  if (!process.env.npm_lifecycle_event) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, 250)
  timer.unref()
}

/** As a container's first process npm ends with that shell, and the kernel then kills everything else. */
function warnOfNpmAsFirstProcess() {
  if (!process.env.npm_lifecycle_event || !isNpm(1)) return
  console.error(
    'npm is the first process of this container: a stop will cut requests that are under way. ' +
      'Start `node apps/server/dist/cli/main.js start` instead, as the Dockerfile does.',
  )
}

function isNpm(pid) {
  try {
    return /^npm\b/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '))
  } catch {
    return false
  }
}
