import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** True when a process with this id runs, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Ended, but its parent hasn't asked how: the rule in containers without an init process. */
function isZombie(pid: number): boolean {
  return process.platform === 'linux' && /^[ZX]/.test(statFields(pid)[0] ?? '')
}

/** The fields of /proc/<pid>/stat from the third (state) on; the second, the name, may itself hold spaces and parentheses. */
function statFields(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

/**
 * Tells two processes apart that got the same pid one after the other, which is the rule in containers and after a
 * reboot: when the process started, in whatever form this system has it. Empty where the system doesn't say.
 */
export function startOf(pid: number): string {
  if (process.platform === 'linux') {
    const ticks = statFields(pid)[19]
    return ticks ? `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}` : ''
  }
  return process.platform === 'win32' ? '' : ps(pid, 'lstart=')
}

/** Milliseconds of the processor that a process has used, all its threads together; undefined where the system doesn't say. */
export function cpuMsOf(pid: number | undefined): number | undefined {
  if (pid === undefined || process.platform !== 'linux') return undefined
  const [user, system] = statFields(pid).slice(11, 13).map(Number)
  return user === undefined || system === undefined ? undefined : (user + system) * 10
}

/** The command line with its arguments separated by spaces; empty when unknown. */
export function commandOf(pid: number): string {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    } catch {
      return ''
    }
  }
  return process.platform === 'win32' ? '' : ps(pid, 'command=')
}

const ps = (pid: number, column: string) =>
  spawnSync('ps', ['-ww', '-o', column, '-p', String(pid)], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  }).stdout?.trim() ?? ''
