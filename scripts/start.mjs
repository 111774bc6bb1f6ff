import { build } from './build.mjs'

// The server then runs in this very process, so that signals reach it without a middleman.
try {
  await build()
  process.argv = [process.argv[0], 'fairway', 'start', ...process.argv.slice(2)]
  await import('../apps/server/dist/cli/main.js')
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
