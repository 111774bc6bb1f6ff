import { randomBytes } from 'node:crypto'

/** Random base-36 digits per process and a counter: unique across processes, short, cheap, sortable by time. */
const processPart = BigInt(`0x${randomBytes(6).toString('hex')}`).toString(36)
let counter = 0

export function newJobId(now: number): string {
  counter = (counter + 1) % 1_679_616
  return `${now.toString(36)}${processPart}${counter.toString(36).padStart(4, '0')}`
}
