/** A language tag (BCP 47) in its usual spelling, `en-US` for `EN_us`; undefined for what is none. */
export function languageName(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 64) return undefined
  try {
    return Intl.getCanonicalLocales(value.trim().replaceAll('_', '-').split('.', 1)[0]!)[0]
  } catch {
    return undefined
  }
}

const knownZones = new Set<string>()

/** A name from the IANA database for a name or an offset from UTC in hours, undefined for anything else. */
export function timezoneName(value: unknown): string | undefined {
  if (typeof value === 'number') return zoneOfOffset(value)
  if (typeof value !== 'string' || value === '' || value.length > 64) return undefined
  if (knownZones.has(value)) return value
  if (/^[+-]?\d+(\.\d+)?$/.test(value)) return zoneOfOffset(Number(value))
  try {
    new Intl.DateTimeFormat('en', { timeZone: value })
  } catch {
    return undefined
  }
  // Spellings differ only in case, so this can't grow without end in honest use; hostile use is cut off.
  if (knownZones.size < 2_000) knownZones.add(value)
  return value
}

/** Places that keep an offset which is not a whole number of hours; `Etc/GMT` has only whole ones. */
const oddOffsets = new Map([
  [-9.5, 'Pacific/Marquesas'],
  [-3.5, 'America/St_Johns'],
  [3.5, 'Asia/Tehran'],
  [4.5, 'Asia/Kabul'],
  [5.5, 'Asia/Kolkata'],
  [5.75, 'Asia/Kathmandu'],
  [6.5, 'Asia/Yangon'],
  [8.75, 'Australia/Eucla'],
  [9.5, 'Australia/Darwin'],
  [10.5, 'Australia/Lord_Howe'],
  [12.75, 'Pacific/Chatham'],
])

function zoneOfOffset(hours: number): string | undefined {
  if (!Number.isInteger(hours)) return oddOffsets.get(hours)
  if (hours < -12 || hours > 14) return undefined
  // In these names the sign is the other way round: Etc/GMT-10 is ten hours ahead of UTC.
  return hours === 0 ? 'UTC' : `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`
}
