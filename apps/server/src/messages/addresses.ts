import addressParser from 'nodemailer/lib/addressparser'

const plainAddress = /^[^\s<>,;:"()[\]\\@]{1,64}@[^\s<>,;:"()[\]\\@]{1,255}$/u
const control = /\p{Cc}/u
/** Of a header's value, room for more recipients than a message may have. Its parser takes 400 ms for a megabyte. */
const longestList = 16_384

/** A bare address, `name@host`, that can be put into an envelope as it is. */
export const isAddress = (value: string): boolean => plainAddress.test(value) && !control.test(value)

/** The bare addresses of a header-like list, `Ann <a@x.co>, b@x.co`; undefined when any of them is not an address. */
export function parseAddresses(list: string): string[] | undefined {
  if (list.length > longestList || control.test(list)) return undefined
  const addresses = addressParser(list, { flatten: true }).map(({ address }) => address)
  return addresses.length > 0 && addresses.every(isAddress) ? [...new Set(addresses)] : undefined
}

/** One address with an optional name, as in From; undefined when it is not exactly one. */
export function parseMailbox(value: string): { name: string; address: string } | undefined {
  if (value.length > longestList || control.test(value)) return undefined
  const [only, ...others] = addressParser(value, { flatten: true })
  if (!only || others.length > 0 || !isAddress(only.address)) return undefined
  return { name: only.name, address: only.address }
}

export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()
