import { parseArgs } from 'node:util'
import { inputs } from './inputs/index.ts'
import { playAll } from './suite.ts'
import { heading, line } from './table.ts'
import type { Target } from './target.ts'

const usage = `Usage: npm run hostile -- [options]

Plays hostile inputs as one project against a real server and tells, for each, what the server replied, how long its
event loop was held, its memory, whether another project noticed, and whether the server still answers after a restart.
Ends by itself; exit code 1 when an input did harm.

  --large        the sizes that did harm; minutes instead of seconds for each area
  --only NAME    inputs whose name has NAME in it (may be given again)
  --list         the inputs and what they are for
  --json         one JSON document instead of the table
  --url URL      a server that runs already, on a loopback address. It keeps what is sent, and is not restarted.
                 Needs two projects: --hostile ID:TRACKING_KEY:SECRET_KEY --quiet ID:TRACKING_KEY:SECRET_KEY
  --help         this text`

const { values } = parseArgs({
  options: {
    large: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    list: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    url: { type: 'string' },
    hostile: { type: 'string' },
    quiet: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

function givenTarget(url: string): Target {
  const { hostname } = new URL(url)
  if (!['localhost', '127.0.0.1', '[::1]'].includes(hostname))
    throw new Error(`--url must be on a loopback address, not ${hostname}: this does harm`)
  const project = (name: 'hostile' | 'quiet') => {
    const [id, trackingKey, secretKey] = values[name]?.split(':') ?? []
    if (!id || !trackingKey || !secretKey) throw new Error(`--${name} must be ID:TRACKING_KEY:SECRET_KEY`)
    return { id, trackingKey, secretKey }
  }
  return { url, hostile: project('hostile'), quiet: project('quiet'), close: async () => {} }
}

async function main(): Promise<number> {
  const chosen = inputs.filter(({ name }) => values.only?.some((part) => name.includes(part)) ?? true)
  if (values.help) console.log(usage)
  else if (values.list) for (const { name, why } of chosen) console.log(`${name.padEnd(34)} ${why}`)
  else if (chosen.length === 0) throw new Error('No input has that in its name; --list shows them')
  else {
    if (!values.json) console.log(heading())
    const rows = await playAll(chosen, {
      large: values.large,
      target: values.url === undefined ? undefined : givenTarget(values.url),
      report: (row) => values.json || console.log(line(row)),
    })
    const harmful = rows.filter(({ wrong, slow }) => wrong.length + slow.length > 0)
    if (values.json) console.log(JSON.stringify(rows, undefined, 2))
    else console.log(`\n${rows.length} inputs, ${harmful.length} of them did harm`)
    return harmful.length > 0 ? 1 : 0
  }
  return 0
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error.message)
    process.exit(2)
  },
)
