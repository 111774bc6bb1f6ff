/** Eight times the input takes eight times as long where time is linear, and 64 times as long where it is quadratic. */
const step = 8
const maxGrowth = 32
/** Shorter times say nothing: what else the machine does is of that order. */
const leastMs = 2
/** What is quadratic with many steps a character shows with the first, what is so with few with the last. */
const lengths = [1 << 11, 1 << 13, 1 << 15]
const tries = 3
const attempts = 3
/** What takes as long is measured once: nothing else that the machine does matters beside it. */
const longMs = 200

/**
 * How many times longer `run` takes for an input that is eight times as long; undefined when even a long input takes no time
 * worth measuring. It is the processor's time, the least of several, and what looks bad is measured anew, so that neither a
 * slow machine nor a busy one is mistaken for a slow reader.
 */
export async function growthOf(make: (length: number) => string, run: (text: string) => unknown) {
  for (const length of lengths) {
    if ((await leastTime(make(length), run)) < leastMs) continue
    for (let attempt = 1; ; attempt++) {
      const growth = (await leastTime(make(length * step), run)) / (await leastTime(make(length), run))
      if (growth <= maxGrowth || attempt === attempts) return growth
    }
  }
  return undefined
}

export const isLinear = (growth: number | undefined) => growth === undefined || growth <= maxGrowth

async function leastTime(text: string, run: (text: string) => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < tries; i++) {
    const from = process.cpuUsage()
    try {
      await run(text)
    } catch {
      // A refusal takes time as well.
    }
    const { user, system } = process.cpuUsage(from)
    least = Math.min(least, (user + system) / 1_000)
    if (least < leastMs / 2 || least > longMs) break
  }
  return least
}

const characters = 'aZ09 \t\n\r"\'\\/<>&()[]{}.,;:-+_=@%#~|\0\u00e9\ud800'
const phrases =
  '\r\n|<body |<!--|&#|{{|}}|{%|%5B|a |a@|a@b,|<a@b>,|"a" |a.|0.|0,|-a|_ -|a=b&|a[b]=c&|{"a":|"a",|\\u|2020-01-01|\u{1f600}'

/** Texts that, repeated, are hard for one reader or another. */
export const pumps = [...characters, ...phrases.split('|')]
/** What may follow, so that what was read in hope turns out to be something else. */
export const ends = ['', '!', '\n@']
