import { setTimeout as sleep } from 'node:timers/promises'

/** Far beyond what the slowest machine takes, and well within most tests' own limit: what hangs is told by where it hangs. */
const giveUpMs = 120_000

/** Waits for what another process, or a worker of this one, does in its own time. Resolves with what is true of it. */
export async function until<T>(look: () => T | Promise<T>): Promise<Exclude<T, undefined | null | false>> {
  for (const giveUp = Date.now() + giveUpMs; ; ) {
    const found = await look()
    if (found) return found as Exclude<T, undefined | null | false>
    if (Date.now() > giveUp) throw new Error(`this did not come true: ${look}`)
    await sleep(10)
  }
}
