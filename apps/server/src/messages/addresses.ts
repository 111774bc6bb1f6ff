import addressParser from 'nodemailer/lib/addressparser'
import { addressKey, canonicalAddress } from '../email-address.ts'

const control = /\p{Cc}/u
/** Of a header's value, room for more recipients than a message may have. Its parser takes 400 ms for a megabyte. */
const longestList = 16_384

/** The bare addresses of a header-like list, `Ann <a@x.co>, b@x.co`, each once; undefined when any of them is none. */
export function parseAddresses(list: string): string[] | undefined {
  if (list.length > longestList || control.test(list)) return undefined
  const byKey = new Map<string, string>()
  for (const { address } of addressParser(list, { flatten: true })) {
    const canonical = canonicalAddress(address)
    if (canonical === undefined) return undefined
    if (!byKey.has(addressKey(canonical))) byKey.set(addressKey(canonical), canonical)
  }
  return byKey.size > 0 ? [...byKey.values()] : undefined
}

/** One address with an optional name, as in From; undefined when it is not exactly one. */
export function parseMailbox(value: string): { name: string; address: string } | undefined {
  if (value.length > longestList || control.test(value)) return undefined
  const [only, ...others] = addressParser(value, { flatten: true })
  const address = only && others.length === 0 ? canonicalAddress(only.address) : undefined
  return address === undefined ? undefined : { name: only!.name, address }
}
