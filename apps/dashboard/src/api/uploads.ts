import type { Import } from '@fairway/api'
import { useSyncExternalStore } from 'react'
import { ApiError, ConnectionError, projectPath, request, sendSlice } from './client.ts'

/** What is sent at once: little at first and after a failure, more while it is fast. The server waits a minute for a part. */
const sliceBytes = { least: 256 * 1024, first: 1024 * 1024, most: 8 * 1024 * 1024 }
const fastMs = 1500
const maxPauseMs = 15_000

export interface Upload {
  file: File
  sent: number
  /** Waits for the connection to come back. */
  waiting: boolean
  /** Why it stopped for good. */
  error: Error | undefined
  done: boolean
}

/** Uploads go on while other pages are looked at, until the console is closed. */
const uploads = new Map<string, Upload>()
const listeners = new Set<() => void>()

const keyOf = (project: string, id: number | string) => `${project}/${id}`

function note(key: string, change: Partial<Upload>): void {
  const upload = uploads.get(key)
  if (!upload) return
  uploads.set(key, { ...upload, ...change })
  for (const notify of listeners) notify()
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

export const useUpload = (project: string, id: number | string): Upload | undefined =>
  useSyncExternalStore(subscribe, () => uploads.get(keyOf(project, id)))

/** Sends the file from where the server has it, slice by slice; a lost connection is waited for. */
export async function startUpload(
  project: string,
  { id, offset }: Pick<Import, 'id' | 'offset'>,
  file: File,
  onEnd: () => void,
): Promise<void> {
  const key = keyOf(project, id)
  const before = uploads.get(key)
  if (before && !before.done && !before.error) return
  uploads.set(key, { file, sent: offset, waiting: false, error: undefined, done: false })
  window.addEventListener('beforeunload', warn)
  try {
    await send(project, id, key, file, offset)
    note(key, { sent: file.size, done: true })
  } catch (error) {
    note(key, { error: error as Error })
  } finally {
    // Also after a failure: a file that is no table ends its import.
    onEnd()
    if (![...uploads.values()].some(({ done, error }) => !done && !error))
      window.removeEventListener('beforeunload', warn)
  }
}

async function send(project: string, id: number, key: string, file: File, from: number): Promise<void> {
  const path = projectPath(project, 'imports', id, 'file')
  let offset = from
  let bytes = sliceBytes.first
  for (let failures = 0; ; ) {
    const end = Math.min(offset + bytes, file.size)
    const startedAt = performance.now()
    const last = end === file.size
    try {
      await sendSlice(path, { offset, ...(last && { last }) }, file.slice(offset, end))
      offset = end
      failures = 0
      if (performance.now() - startedAt < fastMs) bytes = Math.min(bytes * 2, sliceBytes.most)
      note(key, { sent: offset, waiting: false })
      if (last) return
    } catch (error) {
      if (!isTransient(error)) throw error
      bytes = sliceBytes.least
      note(key, { waiting: true })
      await pause(Math.min(maxPauseMs, 500 * 2 ** failures++))
      // Whether the part arrived, only the server knows: its answer may be what was lost.
      const now = await whereIsIt(project, id)
      if (now && now.state !== 'uploading') return
      offset = now?.offset ?? offset
    }
  }
}

const whereIsIt = (project: string, id: number): Promise<Import | undefined> =>
  request<Import>(projectPath(project, 'imports', id)).catch((error) => {
    if (!isTransient(error)) throw error
    return undefined
  })

/** What passes by itself; a refused offset says that another upload of the same file is under way. */
const isTransient = (error: unknown) =>
  error instanceof ConnectionError ||
  (error instanceof ApiError &&
    (error.status >= 500 || error.status === 429 || typeof error.problem.expectedOffset === 'number'))

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const warn = (event: BeforeUnloadEvent) => event.preventDefault()
