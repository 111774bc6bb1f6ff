/** Of the header are looked at; browsers name five. */
const maxEncodings = 50

/** Reads the header part by part: each is a word and a weight, of which only zero says no. */
export function acceptsGzip(header: string | undefined): boolean {
  for (const part of (header ?? '').split(',', maxEncodings)) {
    const [name = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase())
    if (name !== 'gzip' && name !== 'x-gzip') continue
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    return weight === undefined || Number(weight.slice(2)) > 0
  }
  return false
}
