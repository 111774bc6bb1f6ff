import { randomBytes } from 'node:crypto'

/** Random base-36 digits per process and a counter: unique across processes, short, cheap, sortable by time. */
const processPart = BigInt(`0x${randomBytes(6).toString('hex')}`).toString(36)
let counter = 0
let lastNow = 0
let prefix = ''

export function newJobId(now: number): string {
  counter = (counter + 1) % 1_679_616
  if (now !== lastNow) {
    lastNow = now
    prefix = `${Math.floor(now).toString(36)}${processPart}`
  }
  return prefix + counter.toString(36).padStart(4, '0')
}
