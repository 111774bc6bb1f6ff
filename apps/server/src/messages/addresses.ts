import addressParser from 'nodemailer/lib/addressparser'
import { addressKey, canonicalAddress } from '../email-address.ts'

export interface Mailbox {
  name: string
  /** Canonical. */
  address: string
}

const control = /\p{Cc}/u
/** Of a header's value, room for more recipients than a message may have. Its parser takes 400 ms for a megabyte. */
const longestList = 16_384

/** Of a header-like list, `Ann <a@x.co>, b@x.co`, each address once; undefined when any of them is none. */
export function parseMailboxes(list: string): Mailbox[] | undefined {
  if (list.length > longestList || control.test(list)) return undefined
  const byKey = new Map<string, Mailbox>()
  for (const { name, address } of addressParser(list, { flatten: true })) {
    const canonical = canonicalAddress(address)
    if (canonical === undefined) return undefined
    if (!byKey.has(addressKey(canonical))) byKey.set(addressKey(canonical), { name, address: canonical })
  }
  return byKey.size > 0 ? [...byKey.values()] : undefined
}

/** The bare addresses of such a list. */
export const parseAddresses = (list: string): string[] | undefined =>
  parseMailboxes(list)?.map(({ address }) => address)
