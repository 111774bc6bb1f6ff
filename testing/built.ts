const builder = new URL('../scripts/build.mjs', import.meta.url).href

/**
 * Builds the server or the console unless its build is fresh; several test processes may call it at once. The console wants to
 * be there before a server starts, which looks for its files once. A built server starts in a third of the time that the
 * sources take.
 */
export async function ensureBuilt(name: 'server' | 'console'): Promise<void> {
  const { build } = (await import(builder)) as { build(names: string[]): Promise<void> }
  await build([name])
}
