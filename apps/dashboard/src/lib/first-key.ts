/**
 * Where this tab keeps the tracking key that the first steps use. A tracking key may stand in any web page, so it may
 * stay here too; a secret key never does.
 */
export const firstKeySlot = (project: string | number): string => `fairway-first-key-${project}`

/** In the shape that @mantine/hooks' useSessionStorage reads. */
export const rememberFirstKey = (project: string | number, trackingKey: string): void =>
  sessionStorage.setItem(firstKeySlot(project), JSON.stringify(trackingKey))
