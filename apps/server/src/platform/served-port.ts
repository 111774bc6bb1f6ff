import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const fileIn = (dataDir: string) => join(dataDir, 'port')

/**
 * Leaves in the data directory on which port the server answers, for commands that print links and were given another one,
 * or none. A directory that can't be written costs nothing but that.
 */
export function noteServedPort(dataDir: string, url: string): void {
  try {
    mkdirSync(dataDir, { recursive: true })
    writeFileSync(fileIn(dataDir), `${new URL(url).port}\n`)
  } catch {
    // The commands then believe their own settings.
  }
}

/** The port on which the server of this data directory answers, or last did; undefined where none did. */
export function readServedPort(dataDir: string): number | undefined {
  try {
    const port = Number(readFileSync(fileIn(dataDir), 'utf8'))
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined
  } catch {
    return undefined
  }
}
