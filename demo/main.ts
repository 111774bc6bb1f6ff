/**
 * `npm run demo`: three projects on one server. Two do a normal day's work, one floods. Watch the quiet ones stay fast.
 *
 * `--events N`   size of the flood, 200,000 by default
 * `--seconds N`  end by itself after N seconds; without it, the demo runs until Ctrl-C
 * `--pictures D`  draw what it prints and photograph the console into folder D; needs Chromium
 * `--json`       print a snapshot as JSON at the end, and nothing else on standard output
 */
import { parseArgs } from 'node:util'
import { setUpShop, setUpSoftware } from './campaigns.ts'
import { Client } from './client.ts'
import { takePictures } from './pictures.ts'
import { startServer } from './server.ts'
import { renderTable, takeSnapshot } from './table.ts'
import { flood, shopTraffic, softwareTraffic } from './traffic.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '200000' },
    seconds: { type: 'string' },
    pictures: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log('Usage: npm run demo -- [--events 200000] [--seconds N] [--pictures FOLDER] [--json]')
  process.exit(0)
}
const floodEvents = Number(values.events)
const endAfterMs = values.seconds === undefined ? Number.POSITIVE_INFINITY : Number(values.seconds) * 1_000
if (!(floodEvents >= 0 && endAfterMs > 0)) {
  console.error('--events and --seconds must be numbers')
  process.exit(2)
}
/** The quiet projects work alone first, so that the flood's effect can be seen. */
const floodAfterMs = 10_000

const say = (text: string) => values.json || console.log(text)
let stopped = false
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    stopped = true
  })

say('Starting Fairway with three projects …')
const server = await startServer()
try {
  const open = async (name: string) => new Client(server.url, await server.createProject(name))
  const shop = await open('Nordlicht Coffee')
  const software = await open('Pixelforge')
  const noisy = await open('Noisy Sensors')
  await setUpShop(shop)
  await setUpSoftware(software)
  say(`Console: ${server.signInLink}\n`)

  const startedAt = performance.now()
  const clients = [shop, software, noisy]
  const traffic = [shopTraffic(shop, () => stopped), softwareTraffic(software, () => stopped)]
  let flooding = 'not yet'
  let drawn = 0
  const frames: string[] = []
  while (!stopped && performance.now() - startedAt < endAfterMs) {
    if (flooding === 'not yet' && performance.now() - startedAt > floodAfterMs) {
      flooding = 'now'
      traffic.push(
        flood(noisy, floodEvents, () => stopped).then(() => {
          flooding = 'all sent'
        }),
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const snapshot = await takeSnapshot(server.url, clients, startedAt)
    const text = `${renderTable(snapshot)}\n\nflood of ${floodEvents.toLocaleString('en')} events: ${flooding}   Ctrl-C ends the demo`
    frames.push(text.replace(/ {3}Ctrl-C.*/, ''))
    if (process.stdout.isTTY && !values.json) {
      if (drawn > 0) process.stdout.write(`\u001b[${drawn}A\u001b[J`)
      drawn = text.split('\n').length
      console.log(text)
    } else if (snapshot.seconds % 10 === 0) say(`${text}\n`)
  }
  if (values.pictures !== undefined)
    await takePictures(values.pictures, {
      frames,
      signInLink: server.signInLink,
      pages: {
        overview: `${server.url}/projects/${software.project.id}`,
        queue: `${server.url}/projects/${noisy.project.id}/queue`,
      },
    })
  stopped = true
  await Promise.all(traffic)
  if (values.json) console.log(JSON.stringify(await takeSnapshot(server.url, clients, startedAt)))
  say('\nStopping …')
} finally {
  await server.stop()
}
