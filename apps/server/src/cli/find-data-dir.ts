import { basename, dirname, join } from 'node:path'
import { hasEmbedded } from '../platform/db/embedded.ts'

/** The data directory of an installation: `dataDir` itself, or one of that name in the closest folder above. */
export function findDataDir(dataDir: string): string | undefined {
  const name = basename(dataDir)
  for (let folder = dirname(dataDir); ; folder = dirname(folder)) {
    if (hasEmbedded(join(folder, name))) return join(folder, name)
    if (folder === dirname(folder)) return undefined
  }
}
