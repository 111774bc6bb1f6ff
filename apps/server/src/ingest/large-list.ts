import { maxKeys } from '../audience/items/limits.ts'
import { type ApiError, badRequest } from '../platform/errors.ts'
import { ListScan, type Run } from '../platform/json-list.ts'
import { beginningOf } from '../platform/json-structure.ts'
import type { Turn } from './large-turns.ts'
import { jsonError } from './parse-json.ts'

/** Bodies up to here are parsed in one go, unless they have more than so many values or an item with too many. */
export const smallBytes = 128 * 1024
const smallValues = 4_000
/** What calls inherit, beside the batch. */
const maxOutside = 2 * maxKeys
/** Of JSON.parse, which never makes it of what clients write. */
const placeholder = '-0'

/** An item that has too many members comes as its beginning. */
export type EachItem = (item: unknown, index: number, isCut: boolean) => void

/** The items of a large batch, which are parsed a few at a time. */
export class LargeList {
  readonly #bytes: Buffer
  readonly #scan: ListScan

  constructor(bytes: Buffer, scan: ListScan) {
    this.#bytes = bytes
    this.#scan = scan
  }

  get length(): number {
    return this.#scan.items
  }

  /** @throws {ApiError} 400 where it is not JSON, perhaps after some of the items */
  async forEach(turn: Turn, act: EachItem): Promise<void> {
    let index = 0
    for (const [number, run] of this.#scan.runs.entries()) {
      await turn.next()
      const items = parseRun(this.#bytes, run)
      if (items === undefined) throw explain(this.#bytes, this.#scan, number)
      for (const item of items) {
        if (turn.isOver) await turn.next()
        act(item, index++, run.excess)
      }
    }
  }
}

/** What is left of the body when the list is taken out. */
export interface Divided {
  value: unknown
  list: LargeList
}

/**
 * Divides a body whose `batch` is to be parsed a few items at a time.
 *
 * @param next a turn of the loop; left out for a body that takes few milliseconds
 * @returns undefined for what is small enough to be parsed as a whole
 * @throws {ApiError} 400 or 413
 */
export async function divide(
  bytes: Buffer,
  values: number,
  next: () => Promise<void> | undefined = () => undefined,
): Promise<Divided | undefined> {
  const scan = new ListScan(bytes, { name: 'batch', values, keys: maxKeys, refuse: badRequest })
  for (let more = true; more; more = scan.step()) await next()
  if (scan.outside > maxOutside)
    throw badRequest(`The body has more than ${maxOutside} values beside batch; send fewer`)
  if (scan.from === -1 || isSmall(bytes, scan)) return undefined
  if (scan.repeated) throw repeated()
  let value: unknown
  try {
    value = JSON.parse(
      `${bytes.toString('utf8', 0, scan.from)}${placeholder}${bytes.toString('utf8', scan.to)}`,
    )
  } catch {
    throw await firstFault(bytes, scan, next)
  }
  const { batch } = value as { batch?: unknown }
  if (!(Array.isArray(batch) && Object.is(batch[0], -0))) throw repeated()
  return { value, list: new LargeList(bytes, scan) }
}

const isSmall = (bytes: Buffer, { values, runs }: ListScan) =>
  bytes.length <= smallBytes && values <= smallValues && !runs.some(({ excess }) => excess)

const repeated = () => badRequest('batch is there more than once; send one list', 'batch')

/** Of a body that is no JSON beside its list; a bracket too many in an item may be why. */
async function firstFault(
  bytes: Buffer,
  scan: ListScan,
  next: () => Promise<void> | undefined,
): Promise<ApiError> {
  for (const [number, run] of scan.runs.entries()) {
    await next()
    if (parseRun(bytes, run) === undefined) return explain(bytes, scan, number)
  }
  return explain(bytes, scan, scan.runs.length + 1)
}

/**
 * What is wrong with the body, told as of the whole: of the runs that are known to be good only the length and the lines are
 * left, but for the last one, because errors quote what stands before them.
 */
function explain(bytes: Buffer, { from, to, runs }: ListScan, faulty: number): ApiError {
  // What was not parsed is not parsed now.
  const last = runs[faulty - 1]?.excess ? runs[faulty - 1] : runs[faulty - 2]
  const good = bytes.toString('utf8', from, faulty > runs.length ? to : (last?.to ?? from))
  const blank = good.slice(1).replace(/[^\r\n]+/g, (line) => ' '.repeat(line.length))
  const rest = bytes.toString('utf8', from + Buffer.byteLength(good))
  const text = `${bytes.toString('utf8', 0, from)}${good === '' ? '' : '0'}${blank}${rest}`
  try {
    JSON.parse(text)
  } catch (error) {
    return jsonError(text, bytes.length, error as Error)
  }
  return badRequest('The body is not valid JSON')
}

/** Undefined where it is not JSON. Of an item with too many members the beginning is all that is looked at. */
function parseRun(bytes: Buffer, { from, to, items, excess }: Run): unknown[] | undefined {
  try {
    if (excess) return [JSON.parse(beginningOf(bytes.subarray(from, to), maxKeys).text)]
    const found = JSON.parse(`[${bytes.toString('utf8', from, to)}]`) as unknown[]
    // Nothing stands between two commas, or between the last one and the end.
    return found.length === items ? found : undefined
  } catch {
    return undefined
  }
}
