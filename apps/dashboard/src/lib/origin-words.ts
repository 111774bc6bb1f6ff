const words: Record<string, { one: string; all: string }> = {
  campaign: { one: 'Campaign', all: 'Campaigns' },
  api: { one: 'API', all: 'API' },
  test: { one: 'Test of sending', all: 'Tests of sending' },
}

/** What made a message; one that a newer version knows is called as it is stored. */
export const originWord = (origin: string): string => words[origin]?.one ?? origin

export const originOptions = [
  { value: '', label: 'From anywhere' },
  ...Object.entries(words).map(([value, { all }]) => ({ value, label: `From: ${all}` })),
]
