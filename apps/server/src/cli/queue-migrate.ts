import { setTimeout as sleep } from 'node:timers/promises'
import { type MovableStore, type MoveProgress, MoveRefused } from '@fairway/queue'
import { withApp } from './with-app.ts'
import { WrongArguments } from './wrong-arguments.ts'

export interface MigrateOptions {
  from?: string
  to?: string
  intoUsed?: boolean
  status?: boolean
  json?: boolean
}

const lookEveryMs = 1_000
/** The pace of this long ago and now tells when it will be through. */
const paceOverMs = 10_000

const phases: Record<MoveProgress['phase'], string> = {
  steady: 'nothing moves',
  preparing: 'taking limits and schedules over',
  moving: 'moving',
  closing: 'moving the last jobs; adds wait for a moment',
  clearing: 'bringing what came late',
}

/** Moves the queue's jobs to another store, or shows how far that is. This process takes part until it is through. */
export async function queueMigrateCommand(options: MigrateOptions): Promise<void> {
  await withApp(async ({ moves }) => {
    if (!moves)
      throw new WrongArguments(
        'DynamoDB is not set up: set FAIRWAY_DYNAMODB_TABLE here and in every process of Fairway, restart them, then move.',
      )
    const before = await moves.moveProgress()
    if (options.status) return print(before, undefined, options)
    const { to = before.target } = options
    if (options.to === undefined) throw new WrongArguments('Say where to: --to postgres or --to dynamodb.')
    if (before.phase === 'steady') await begin(moves, before, to, options)
    else if (before.target !== to)
      throw new WrongArguments(`A move to ${before.target} is under way; it must come to its end first.`)
    await follow(moves, options)
  })
}

async function begin(
  moves: MovableStore,
  before: MoveProgress,
  to: string,
  { from = before.target, intoUsed }: MigrateOptions,
): Promise<void> {
  if (from !== before.target) throw new WrongArguments(`The jobs are in ${before.target}, not in ${from}.`)
  await moves.move(to, { intoUsed: intoUsed === true }).catch((error: unknown) => {
    if (!(error instanceof MoveRefused)) throw error
    const hint = error.message.includes('not empty') ? ' With --into-used they are mixed.' : ''
    throw new WrongArguments(`${error.message}.${hint}`)
  })
}

async function follow(moves: MovableStore, options: MigrateOptions): Promise<void> {
  moves.takePart()
  const seen: { at: number; left: number }[] = []
  for (;;) {
    const now = await moves.moveProgress()
    if (now.left !== null) seen.push({ at: performance.now(), left: now.left })
    while (seen.length > 2 && seen.at(-1)!.at - seen[1]!.at > paceOverMs) seen.shift()
    if (now.phase === 'steady') return finish(now, options)
    print(now, paceOf(seen), options)
    await sleep(lookEveryMs)
  }
}

/** Jobs a second by which less is left; undefined while it does not become less. */
function paceOf(seen: { at: number; left: number }[]): number | undefined {
  const [first, last] = [seen[0], seen.at(-1)]
  if (!first || !last) return undefined
  const pace = ((first.left - last.left) / (last.at - first.at)) * 1_000
  return pace > 0 ? pace : undefined
}

function finish(now: MoveProgress, { json }: MigrateOptions): void {
  if (json) {
    console.log(JSON.stringify(describe(now, undefined)))
    return
  }
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K')
  const took = ((now.endedAt! - now.startedAt!) / 1_000).toFixed(1)
  console.log(
    `The queue's jobs are in ${now.target}. ${now.moved.toLocaleString('en')} jobs were moved in ${took} s; nothing is left behind.`,
  )
}

function print(now: MoveProgress, pace: number | undefined, { json, status }: MigrateOptions): void {
  const told = describe(now, pace)
  const line = json ? JSON.stringify(told) : sentence(told)
  if (process.stdout.isTTY && !status && !json) process.stdout.write(`\r\u001b[K${line}`)
  else console.log(line)
}

function describe(now: MoveProgress, pace: number | undefined) {
  const etaMs = pace === undefined || now.left === null ? null : (now.left / pace) * 1_000
  return { ...now, perSecond: pace ?? null, etaMs }
}

function sentence({
  phase,
  source,
  target,
  moved,
  left,
  perSecond,
  etaMs,
  processes,
}: ReturnType<typeof describe>) {
  const who = `${processes} ${processes === 1 ? 'process' : 'processes'}`
  if (phase === 'steady') return `The queue's jobs are in ${target}; ${phases.steady}. ${who}.`
  const share = left !== null && moved + left > 0 ? ` (${Math.floor((moved / (moved + left)) * 100)} %)` : ''
  const speed = perSecond === null ? '' : `, ${Math.round(perSecond).toLocaleString('en')} jobs/s`
  const eta = etaMs === null ? '' : `, about ${Math.ceil(etaMs / 1_000)} s to go`
  return (
    `${source} → ${target}, ${phases[phase]}: ${moved.toLocaleString('en')} jobs moved, ` +
    `${left === null ? 'the rest is being counted' : `${left.toLocaleString('en')} left`}${share}${speed}${eta}; ${who}`
  )
}
