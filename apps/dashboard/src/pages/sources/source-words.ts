/** How often a source is asked; minutes as text, for a choice. */
export const schedules = [
  { value: '', label: 'Only by hand' },
  { value: '5', label: 'Every 5 minutes' },
  { value: '15', label: 'Every 15 minutes' },
  { value: '60', label: 'Every hour' },
  { value: '360', label: 'Every 6 hours' },
  { value: '1440', label: 'Every day' },
]

export const scheduleWords = (minutes: number | null): string =>
  schedules.find(({ value }) => value === String(minutes ?? ''))?.label ?? `Every ${minutes} minutes`
