const builder = new URL('../scripts/build.mjs', import.meta.url).href

/**
 * Builds the console unless its build is fresh; several test processes may call it at once. Call it before the server
 * starts: the server looks for the console's files once.
 */
export async function ensureDashboardBuilt(): Promise<void> {
  const { build } = (await import(builder)) as { build(names: string[]): Promise<void> }
  await build(['console'])
}
