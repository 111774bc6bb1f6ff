import { type ApiError, tooLarge } from './errors.ts'
import {
  bracketsClose,
  bracketsOpen,
  comma,
  deepest,
  endOfString,
  isEmptyBetween,
  quote,
} from './json-structure.ts'

/** Bytes that are looked at in one go: about a millisecond. */
const stepBytes = 512 * 1024
/** What is parsed in one go: keys that nobody sent before cost two microseconds each. */
const runBytes = 64 * 1024
const runValues = 2_000

const listOpens = 0x5b
const objectOpens = 0x7b

/** Neighbours in a list, small enough to be parsed in one go. */
export interface Run {
  from: number
  /** Of what comes after: a comma, or the end of the list. */
  to: number
  items: number
  /** One item, which has more members than it may: not to be parsed. */
  excess: boolean
}

interface Rules {
  /** The member of the body that is the list. */
  name: string
  /** Values in the whole body. */
  values: number
  /** Keys and elements of one item. */
  keys: number
  refuse: (message: string) => ApiError
}

/**
 * Looks at a JSON object before anything is made of it, and finds where the items of one of its lists begin and end. It
 * trusts brackets, commas and quotes: in text that is no JSON it finds runs that can't be parsed, or a rest that can't.
 */
export class ListScan {
  readonly runs: Run[] = []
  /** Commas and opening brackets so far: at least one for each value but the first. */
  values = 0
  /** Of the list, without its brackets; -1 where there is none. */
  from = -1
  to = -1
  items = 0
  /** There is another list of that name. */
  repeated = false

  readonly #bytes: Uint8Array
  readonly #name: Buffer
  readonly #rules: Rules
  #at = 0
  #depth = 0
  #openAt = -1
  #empty = 0
  #inObject = false
  #inList = false
  #key = { from: 0, to: 0 }
  #listValues = 0
  /** Where they begin, and what was counted before. */
  #item = { from: 0, values: 0, empty: 0 }
  #run = { from: 0, values: 0, items: 0 }

  constructor(bytes: Uint8Array, rules: Rules) {
    this.#bytes = bytes
    this.#name = Buffer.from(rules.name)
    this.#rules = rules
  }

  /** Values that are not in the list. */
  get outside(): number {
    return this.values - this.#listValues
  }

  /**
   * Looks at some more.
   *
   * @returns whether there is more to look at
   * @throws {ApiError} 413 beyond the values; what `refuse` makes when it is nested too deeply
   */
  step(): boolean {
    const bytes = this.#bytes
    const end = Math.min(bytes.length, this.#at + stepBytes)
    const most = this.#rules.values
    let depth = this.#depth
    let i = this.#at
    for (; i < end; i++) {
      const byte = bytes[i]!
      if (byte === quote) {
        const to = endOfString(bytes, i + 1)
        if (depth === 1) this.#key = { from: i + 1, to }
        i = to
        continue
      }
      const folded = byte | 0x20
      if (byte === comma) {
        if (depth === 2 && this.#inList) this.#endItem(i)
        this.values++
        this.#openAt = -1
        if (depth === 2 && this.#inList) this.#beginItem(i + 1)
      } else if (folded === bracketsOpen) {
        this.values++
        this.#openAt = i
        depth++
        if (depth > deepest)
          throw this.#rules.refuse(`The body is nested deeper than ${deepest} levels; flatten it`)
        if (depth === 1) this.#inObject = byte === objectOpens
        else if (depth === 2 && byte === listOpens && this.#isNamed()) this.#beginList(i + 1)
      } else if (folded === bracketsClose) {
        const isEmpty = isEmptyBetween(bytes, this.#openAt, i)
        this.#openAt = -1
        if (depth === 2 && this.#inList) this.#endList(i, isEmpty)
        else if (isEmpty) this.#empty++
        depth--
      } else continue
      if (this.values > most)
        throw tooLarge(`The body has more than ${most} values; send less in one request`)
    }
    this.#at = i
    this.#depth = depth
    if (i < bytes.length) return true
    if (this.#inList) this.#endList(bytes.length, false)
    return false
  }

  #isNamed(): boolean {
    const { from, to } = this.#key
    return this.#inObject && this.#name.equals(this.#bytes.subarray(from, to))
  }

  #beginList(from: number): void {
    if (this.from !== -1) {
      this.repeated = true
      return
    }
    this.from = from
    this.#key = { from: 0, to: 0 }
    this.#inList = true
    this.#listValues = -this.values
    this.#beginItem(from)
    this.#beginRun(from)
  }

  #endList(to: number, isEmpty: boolean): void {
    if (!isEmpty) this.#endItem(to)
    if (this.#run.items > 0) this.#endRun(to)
    this.to = to
    this.#inList = false
    this.#listValues += this.values
  }

  #beginItem(from: number): void {
    this.#item.from = from
    this.#item.values = this.values
    this.#item.empty = this.#empty
  }

  #endItem(to: number): void {
    this.items++
    const { from, values, empty } = this.#item
    // An empty list or object has no member.
    if (this.values - values - (this.#empty - empty) > this.#rules.keys) {
      if (this.#run.items > 0) this.#endRun(from - 1)
      this.runs.push({ from, to, items: 1, excess: true })
      this.#beginRun(to + 1)
      return
    }
    this.#run.items++
    if (to - this.#run.from >= runBytes || this.values - this.#run.values >= runValues) this.#endRun(to)
  }

  #beginRun(from: number): void {
    this.#run = { from, values: this.values, items: 0 }
  }

  #endRun(to: number): void {
    this.runs.push({ from: this.#run.from, to, items: this.#run.items, excess: false })
    this.#beginRun(to + 1)
  }
}
