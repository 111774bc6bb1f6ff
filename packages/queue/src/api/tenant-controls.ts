import { InvalidControls } from './errors.ts'
import type { TenantControls } from './types.ts'

const rules: { [Name in keyof TenantControls]-?: { fits: (value: never) => boolean; must: string } } = {
  weight: {
    fits: (value: number) => typeof value === 'number' && value > 0 && value <= 1_000_000,
    must: 'be above 0 and at most 1,000,000',
  },
  maxInFlight: {
    fits: (value: number) => isCount(value) && value >= 1,
    must: 'be a whole number of 1 or more',
  },
  rate: {
    fits: (value: number) => typeof value === 'number' && value > 0 && value <= 1_000_000,
    must: 'be above 0 and at most 1,000,000',
  },
  paused: { fits: (value: boolean) => typeof value === 'boolean', must: 'be true or false' },
  maxJobs: { fits: (value: number) => isCount(value), must: 'be a whole number of 0 or more' },
  maxBytes: { fits: (value: number) => isCount(value), must: 'be a whole number of 0 or more' },
}

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0

/** @throws InvalidControls that names the control and what it must be */
export function checkControls(controls: TenantControls): void {
  for (const [name, value] of Object.entries(controls)) {
    const rule = Object.hasOwn(rules, name) ? rules[name as keyof TenantControls] : undefined
    if (!rule)
      throw new InvalidControls(name, `${name} is not a control; these are: ${Object.keys(rules).join(', ')}`)
    if (value !== null && value !== undefined && !rule.fits(value as never))
      throw new InvalidControls(name, `${name} must ${rule.must}`)
  }
}
