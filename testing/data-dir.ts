import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPlace } from '../apps/server/src/platform/db/embedded/cluster.ts'
import { lockHolder } from '../apps/server/src/platform/db/embedded/lock.ts'
import { stopOrphanedEmbedded } from '../apps/server/src/platform/db/embedded.ts'

const prefix = 'fairway-test-'
const abandonedMs = 3_600_000

/** A data directory that lives as long as the test, on which the database user may enter when we are root. */
export function createDataDir(): string {
  const directory = mkdtempSync(join(tmpdir(), prefix))
  chmodSync(directory, 0o755)
  return directory
}

/** Stops what a killed server left running there, and removes it. */
export async function removeDataDir(directory: string): Promise<void> {
  await stopOrphanedEmbedded(directory)
  // As root, the database of a private directory is below /var/lib.
  const place = findPlace(directory)
  for (const path of [place?.home, directory]) if (path) rmSync(path, { recursive: true, force: true })
}

/** Removes what killed test runs left behind more than an hour ago. */
export async function removeAbandonedDataDirs(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(prefix)) continue
    const directory = join(tmpdir(), name)
    const stat = statSync(directory, { throwIfNoEntry: false })
    if (!stat || stat.uid !== process.getuid?.() || Date.now() - stat.mtimeMs < abandonedMs) continue
    const place = findPlace(directory)
    if (!place || lockHolder(place.lockFile) === undefined) await removeDataDir(directory)
  }
}
