import { startEmbedded } from '../apps/server/src/platform/db/embedded.ts'

/** Runs an embedded PostgreSQL until it is asked to stop: `node --import tsx embedded-process.ts <data directory>`. */
const postgres = await startEmbedded({ dataDir: process.argv[2]! })
process.on('SIGTERM', () => void postgres.stop().then(() => process.exit(0)))
setInterval(() => {}, 60_000)
console.log(JSON.stringify({ url: postgres.url, pid: postgres.pid }))
