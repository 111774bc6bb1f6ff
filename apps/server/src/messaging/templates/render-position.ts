import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Where a render process is: the number of the item, counted from 1, and the part of the mail. What is stopped can so be
 * named. It is written into a few bytes of a file that both processes have open and nobody else can: that outlives any end
 * of the writer and costs it a microsecond, where a message would cost both sides ten.
 */
export interface RenderPosition {
  item: number
  part: string
}

export const nowhere: RenderPosition = { item: 0, part: 'mail' }

const parts = ['mail', 'from', 'reply_to', 'subject', 'preheader', 'html', 'text', 'headers']
const bytes = 8
/** Descriptor of the file in a render process, behind standard input, output, error and the channel. */
export const placeDescriptor = 4

/** The reader's side. */
export interface SharedRenderPosition {
  readonly descriptor: number
  read(): RenderPosition
  close(): void
}

/** Undefined where no folder takes a file: then what is stopped is found by trying one item after the other. */
export function openPlace(): SharedRenderPosition | undefined {
  for (const folder of [tmpdir(), '/dev/shm', process.cwd()]) {
    const file = join(folder, `fairway-render-${process.pid}-${randomUUID()}`)
    try {
      const descriptor = openSync(file, 'wx+', 0o600)
      unlinkSync(file)
      writeSync(descriptor, Buffer.alloc(bytes), 0, bytes, 0)
      return sharedPlace(descriptor)
    } catch {
      // Another folder may do.
    }
  }
  return undefined
}

function sharedPlace(descriptor: number): SharedRenderPosition {
  const cells = new Int32Array(2)
  let isOpen = true
  return {
    descriptor,
    read() {
      if (isOpen) readSync(descriptor, cells, 0, bytes, 0)
      return { item: cells[0]!, part: parts[cells[1]!] ?? nowhere.part }
    },
    close() {
      if (isOpen) closeSync(descriptor)
      isOpen = false
    },
  }
}

// The writer's side. Nowhere, until it is told that it is watched.
const cells = new Int32Array(2)
let isWatched = false

export function beWatched(): void {
  isWatched = true
}

/** The next thing done is this item; 0 when there is none. */
export function enterItem(item: number): void {
  cells[0] = item
  cells[1] = 0
  note()
}

export function enterPart(part: string): void {
  cells[1] = Math.max(0, parts.indexOf(part.split('.', 1)[0]!))
  note()
}

function note(): void {
  if (isWatched) writeSync(placeDescriptor, cells, 0, bytes, 0)
}
