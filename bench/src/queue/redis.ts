import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { atEnd, freePort } from '../machines.ts'

export interface Redis {
  url: string
  pid: number
  stop(): Promise<void>
}

/**
 * A Redis of our own, empty, on a free port, that never evicts and writes every command to its append-only file: flushed
 * to disk every second, which its docs advise, or before every reply, as PostgreSQL does at a commit.
 */
export async function startRedis(appendfsync: 'everysec' | 'always'): Promise<Redis> {
  const directory = mkdtempSync(join(tmpdir(), 'fairway-bench-redis-'))
  const port = await freePort()
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: directory,
    save: '',
    appendonly: 'yes',
    appendfsync,
    'maxmemory-policy': 'noeviction',
  }
  const child = spawn(
    'redis-server',
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      console.error(`redis-server: ${error.message}`)
      resolve()
    })
    child.once('exit', () => resolve())
  })
  let gone = false
  void ended.then(() => (gone = true))
  const redis = {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid!,
    async stop() {
      // Not SIGTERM: it would rewrite and flush everything first, for nobody.
      if (!gone) child.kill('SIGKILL')
      await ended
      rmSync(directory, { recursive: true, force: true })
    },
  }
  atEnd(redis.stop)
  for (let tries = 0; !(await accepts(port)); tries++) {
    if (gone || tries > 500) throw new Error('redis-server did not start; install it to run this bench')
    await sleep(20)
  }
  return redis
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
