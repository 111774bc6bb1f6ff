#!/usr/bin/env node
import { existsSync } from 'node:fs'

const built = new URL('../dist/cli/main.js', import.meta.url)
if (!existsSync(built)) {
  console.error('Fairway has not been built yet: run `npm run build`, or `npm start` to build and start it.')
  process.exit(1)
}
await import(built.href)
