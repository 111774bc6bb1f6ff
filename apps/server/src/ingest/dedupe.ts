import { hash } from 'node:crypto'
import type { Dedupe } from '../audience/items/item.ts'

/** Longer keys travel as their hash, so that an item does not carry its own data twice. */
const maxPlainKeyLength = 80

/** A duplicate key of these parts. Keys of different `scheme`s never meet. */
export function dedupeBy(scheme: string, windowMs: number, ...parts: string[]): Dedupe {
  const key = `${scheme}|${parts.join('|')}`
  return {
    key: key.length <= maxPlainKeyLength ? key : `${scheme}|${hash('sha256', key, 'base64url')}`,
    windowMs,
  }
}
