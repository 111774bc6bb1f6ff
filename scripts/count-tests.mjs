import { existsSync, readFileSync } from 'node:fs'

/** Prints `N passed, N failed, N skipped` from the test runner's own report; fails when it can't or a test failed. */
const [path] = process.argv.slice(2)
const report = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
const {
  numPassedTests = 0,
  numPendingTests = 0,
  numTodoTests = 0,
  numFailedTests = 0,
  success = false,
} = report ?? {}
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`)
if (!success) process.exitCode = 1
