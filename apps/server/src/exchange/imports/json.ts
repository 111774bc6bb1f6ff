import type { Json } from '@fairway/queue'
import { maxDepth } from '../../audience/items/limits.ts'
import { importLimits } from './format.ts'

/** A row of one of our exports has properties as deep as they may be, inside a few levels of its own. */
const deepest = maxDepth + 5

/**
 * JSON of a file. Its shape is looked at first: a megabyte of brackets holds JSON.parse for 65 ms, one of keys for 45, and
 * what is made of the brackets overflows the stack of whoever walks through it.
 *
 * @throws {SyntaxError}
 */
export function parseJson(text: string): Json {
  let depth = 0
  let members = 0
  for (let at = 0; at < text.length; at++)
    switch (text[at]) {
      case '{':
      case '[':
        if (++depth > deepest) throw new SyntaxError(`it is nested deeper than ${deepest} levels`)
        break
      case '}':
      case ']':
        depth--
        break
      case ',':
        if (++members > importLimits.cells)
          throw new SyntaxError(`it has more than ${importLimits.cells} values`)
        break
      case '"':
        for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++
    }
  return JSON.parse(text) as Json
}
