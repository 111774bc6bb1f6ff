import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isAlive, startOf } from './process-identity.ts'

export interface Lock {
  release(): void
}

interface Holder {
  pid: number
  started: string
}

export class LockHeld extends Error {
  readonly pid: number
  constructor(path: string, pid: number) {
    super(`${path} is held by process ${pid}`)
    this.name = 'LockHeld'
    this.pid = pid
  }
}

/**
 * One owner per path, across processes. A lock whose owner died (kill -9, power cut) is taken over. Throws
 * {@link LockHeld} when the owner lives.
 */
export function acquireLock(path: string): Lock {
  const mine = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`
  writeFileSync(mine, JSON.stringify({ pid: process.pid, started: startOf(process.pid) } satisfies Holder))
  try {
    for (;;) {
      try {
        // A link appears with its content or not at all: nobody ever reads a half-written lock.
        linkSync(mine, path)
        break
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const holder = lockHolder(path)
      if (holder !== undefined) throw new LockHeld(path, holder)
      moveStaleAway(path, `${mine}.stale`)
    }
  } finally {
    rmSync(mine, { force: true })
  }
  return { release: () => rmSync(path, { force: true }) }
}

/** The pid of the living process that holds the lock, if any. */
export function lockHolder(path: string): number | undefined {
  const holder = readHolder(path)
  return holder && holderLives(holder) ? holder.pid : undefined
}

function holderLives(holder: Holder): boolean {
  return isAlive(holder.pid) && startOf(holder.pid) === holder.started
}

/** By rename, so that of two that try only one succeeds; what turns out to be a fresh lock goes back in its place. */
function moveStaleAway(path: string, aside: string): void {
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const moved = readHolder(aside)
  if (moved && holderLives(moved)) linkSync(aside, path)
  rmSync(aside, { force: true })
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder
  } catch {
    return undefined
  }
}
