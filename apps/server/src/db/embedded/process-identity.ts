import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** True when a process with this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Tells two processes apart that got the same pid one after the other, which is the rule in containers and after a
 * reboot: when the process started, in whatever form this system has it. Empty where the system doesn't say.
 */
export function startOf(pid: number): string {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      // The command name may hold spaces and parentheses; field 22 counts from behind its last parenthesis.
      const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
      return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`
    } catch {
      return ''
    }
  }
  return process.platform === 'win32' ? '' : ps(pid, 'lstart=')
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
