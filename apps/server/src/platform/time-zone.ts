import { FixedOffsetZone, IANAZone, type Zone } from 'luxon'

/** The first of these that names a zone, else UTC. */
export const firstZone = (...timezones: (string | null | undefined)[]): Zone => {
  for (const timezone of timezones) {
    const zone = readZone(timezone)
    if (zone) return zone
  }
  return FixedOffsetZone.utcInstance
}

/** An IANA name, or an offset from UTC in hours as some trackers send it: `10`, `-3.5`, `UTC+2`, `GMT-7`, `+05:30`. */
export function readZone(timezone: string | null | undefined): Zone | undefined {
  const name = timezone?.trim()
  if (!name) return undefined
  const offset = /^(?:UTC|GMT)?([+-]?)([0-9]{1,2})(?::([0-5][0-9])|(\.[0-9]{1,2}))?$/i.exec(name)
  if (offset) {
    const hours = Number(offset[2]) + Number(offset[3] ?? 0) / 60 + Number(offset[4] ?? 0)
    const minutes = Math.round(hours * 60) * (offset[1] === '-' ? -1 : 1)
    return minutes >= -12 * 60 && minutes <= 14 * 60 ? FixedOffsetZone.instance(minutes) : undefined
  }
  return readIanaZone(name)
}

const zonesByName = new Map<string, Zone | undefined>()
const maxNames = 2_000

/** Checking a name costs a formatter, so answers are kept; names are people's data, so not without a bound. */
function readIanaZone(name: string): Zone | undefined {
  if (zonesByName.has(name)) return zonesByName.get(name)
  if (zonesByName.size >= maxNames) zonesByName.clear()
  const zone = IANAZone.isValidZone(name) ? new IANAZone(name) : undefined
  zonesByName.set(name, zone)
  return zone
}
