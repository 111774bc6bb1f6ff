import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'

/** The unprivileged user that PostgreSQL runs as when we are root, because PostgreSQL refuses to run as root. */
export interface DatabaseUser {
  uid: number
  gid: number
}

/**
 * Undefined when we are not root: PostgreSQL then simply runs as us. An existing cluster decides by its owner, so that
 * a user added to the system later (by a PostgreSQL package, say) doesn't lock us out of our own data.
 */
export function databaseUser(cluster: string): DatabaseUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const owner = statSync(cluster, { throwIfNoEntry: false })
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['fairway', 'postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    // macOS writes nobody's id as -2.
    if (uid && gid && Number(uid) !== 0) return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }
  }
  throw new Error(
    'PostgreSQL refuses to run as root and this system has no user "nobody" to run it as. ' +
      'Start Fairway as a normal user, or set DATABASE_URL to a PostgreSQL of your own.',
  )
}

/** Runs a shell test as the database user; asks the system itself, so that ACLs and mount options count. */
export function userCan(user: DatabaseUser, script: string, directory: string): boolean {
  const probe = spawnSync('/bin/sh', ['-c', `cd -- "$1" && ${script}`, 'sh', directory], {
    ...user,
    cwd: '/',
    stdio: 'ignore',
  })
  if (probe.error) {
    throw new Error(
      `Cannot run a process as user ${user.uid} (${probe.error.message}), and PostgreSQL refuses to run as root. ` +
        'Start Fairway as a normal user, or set DATABASE_URL to a PostgreSQL of your own.',
    )
  }
  return probe.status === 0
}
