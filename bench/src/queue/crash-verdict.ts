import { type Entry, readLogs } from './crash-log.ts'

export interface Death {
  /** Of a worker or producer; `'postgres'`, after whose death no worker knows what was stored. */
  pid: number | 'postgres'
  at: number
}

/**
 * PostgreSQL's other processes end when they notice that the first was killed. What they still answer counts as before the
 * death; it is not restarted sooner than this.
 */
const lingeringMs = 100

interface Moment {
  at: number
  pid: number
}

interface Story {
  asked: boolean
  resolved: boolean
  refused: boolean
  claims: Moment[]
  starts: Moment[]
  /** A handler ran to its end. */
  ended: boolean
  /** When the first stored end was confirmed. */
  acknowledgedAt: number
}

/** Puts together what the processes wrote down, and looks for what must not be. Lists hold numbers of jobs. */
export function judge(directory: string, deaths: Death[]) {
  const stories = collect(readLogs(directory))
  const all = [...stories]
  const numbers = (is: (story: Story) => boolean) => all.filter(([, story]) => is(story)).map(([n]) => n)
  const ran = (story: Story) => story.starts.length > 0
  const again = all.flatMap(([n, story]) =>
    story.starts.slice(1).map((start, index) => ({ n, story, from: story.starts[index]!, until: start.at })),
  )
  return {
    resolved: numbers((story) => story.resolved),
    inDoubt: numbers((story) => story.asked && !story.resolved && !story.refused),
    inDoubtRan: numbers((story) => story.asked && !story.resolved && !story.refused && ran(story)),
    refused: numbers((story) => story.refused),
    refusedRan: numbers((story) => story.refused && ran(story)),
    calls: all.reduce((sum, [, { starts }]) => sum + starts.length, 0),
    again: again.map(({ n }) => n),
    lost: numbers((story) => story.resolved && !story.ended),
    neverAsked: numbers((story) => ran(story) && !story.asked),
    acknowledgedAgain: again.filter(({ story, until }) => story.acknowledgedAt < until).map(({ n }) => n),
    unexplained: again
      .filter(({ story, from, until }) => {
        const claimedAt = story.claims.findLast(({ at, pid }) => pid === from.pid && at <= from.at)!.at
        return !deaths.some(({ pid, at }) =>
          pid === 'postgres'
            ? at + lingeringMs > claimedAt && at < until
            : pid === from.pid && at > claimedAt && at < until,
        )
      })
      .map(({ n }) => n),
  }
}

function collect(entries: Iterable<Entry>): Map<number, Story> {
  const stories = new Map<number, Story>()
  for (const { what, n, at, pid } of entries) {
    let story = stories.get(n)
    if (!story) {
      story = {
        asked: false,
        resolved: false,
        refused: false,
        claims: [],
        starts: [],
        ended: false,
        acknowledgedAt: Number.POSITIVE_INFINITY,
      }
      stories.set(n, story)
    }
    if (what === 'started') story.starts.push({ at, pid })
    else if (what === 'claimed') story.claims.push({ at, pid })
    else if (what === 'acknowledged') story.acknowledgedAt = Math.min(story.acknowledgedAt, at)
    else if (what !== 'failed') story[what] = true
  }
  for (const { claims, starts } of stories.values())
    for (const moments of [claims, starts]) moments.sort((a, b) => a.at - b.at)
  return stories
}

/** Everything that is known of a job, in order, one line each, with the deaths in between. */
export function tell(directory: string, deaths: Death[], n: number): string {
  const entries = [...readLogs(directory)].filter((entry) => entry.n === n)
  const [first, last] = [Math.min(...entries.map(({ at }) => at)), Math.max(...entries.map(({ at }) => at))]
  return [
    ...entries.map(({ what, at, pid }) => ({ at, text: `${what}, process ${pid}` })),
    ...deaths
      .filter(({ at }) => at > first - 2_000 && at < last)
      .map(({ at, pid }) => ({ at, text: `killed: ${pid}` })),
  ]
    .sort((a, b) => a.at - b.at)
    .map(({ at, text }) => `  ${(at - first).toFixed(1)} ms: ${text}`)
    .join('\n')
}
