/**
 * A process for tests of the supervisor, with one behaviour per role: `beats`, `exits-with:N`, `crashes` (after it
 * is ready), `hangs-once:FILE`, `killed-at-start:FILE` (before it is ready, twice),
 * `hangs:FILE` (after it is ready; FILE counts the starts), `deaf` (does not stop), `first-beat-late`.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { beatMs, type FromProcess, type ToProcess } from '../../../src/platform/processes/messages.ts'

const [behaviour, argument] = process.argv[2]!.split(':')
const tell = (message: FromProcess) => process.send!(message)
const beat = () =>
  tell({ kind: 'beat', vitals: { residentBytes: 1, heapUsedBytes: 1, loopDelaySeconds: 0 }, pressure: 0.5 })

process.on('disconnect', () => process.exit(1))
process.on('message', (message: ToProcess) => {
  if (message.kind === 'stop' && behaviour !== 'deaf') process.exit(0)
})
if (behaviour === 'exits-with') process.exit(Number(argument))
let starts = 1
if (argument !== undefined) {
  appendFileSync(argument, 'x')
  starts = readFileSync(argument, 'utf8').length
}
if (behaviour === 'killed-at-start' && starts < 3) process.kill(process.pid, 'SIGKILL')
beat()
setInterval(beat, beatMs)
tell({ kind: 'ready' })
if (behaviour === 'crashes') setTimeout(() => process.exit(7), beatMs)
if (behaviour === 'hangs' || (behaviour === 'hangs-once' && starts === 1))
  setTimeout(() => {
    for (;;) Math.random()
  }, 2 * beatMs)
