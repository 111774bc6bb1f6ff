/**
 * `printf` for one number, as Vero's `format` filter: flags `-+ 0#`, width, precision and the conversions
 * `d i u f e g x X o b s`. Text around the directive is kept; `%%` is a percent sign.
 */
export function formatNumber(pattern: string, value: unknown): string {
  return pattern.replace(
    /%(?:%|([-+ 0#]{0,5})(\d{0,3})(?:\.(\d{1,2}))?([diufegxXobs]))/g,
    (
      directive,
      flags: string | undefined,
      width: string,
      precision: string | undefined,
      type: string | undefined,
    ) => {
      if (directive === '%%' || !type) return '%'
      const body = convert(type, value, precision === undefined ? undefined : Math.min(Number(precision), 20))
      return pad(body, flags ?? '', Number(width || 0), type !== 's')
    },
  )
}

function convert(type: string, value: unknown, precision: number | undefined): string {
  if (type === 's') return String(value ?? '').slice(0, precision)
  const number = Number(value)
  if (!Number.isFinite(number)) throw new Error(`"${String(value)}" is not a number that can be formatted`)
  switch (type) {
    case 'f':
      return number.toFixed(precision ?? 6)
    case 'e':
      return number.toExponential(precision ?? 6)
    case 'g':
      return String(Number(number.toPrecision(precision || 6)))
    case 'x':
      return Math.trunc(number).toString(16)
    case 'X':
      return Math.trunc(number).toString(16).toUpperCase()
    case 'o':
      return Math.trunc(number).toString(8)
    case 'b':
      return Math.trunc(number).toString(2)
    default:
      return String(Math.trunc(number))
  }
}

function pad(body: string, flags: string, width: number, numeric: boolean): string {
  const negative = numeric && body.startsWith('-')
  const sign = negative
    ? '-'
    : numeric && flags.includes('+')
      ? '+'
      : numeric && flags.includes(' ')
        ? ' '
        : ''
  const digits = negative ? body.slice(1) : body
  if (flags.includes('-')) return (sign + digits).padEnd(width)
  if (numeric && flags.includes('0')) return sign + digits.padStart(width - sign.length, '0')
  return (sign + digits).padStart(width)
}
