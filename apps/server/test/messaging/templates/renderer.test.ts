import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Renderer } from '../../../src/messaging/templates/renderer.ts'
import type { ScopeSource } from '../../../src/messaging/templates/scope.ts'
import { TemplateError } from '../../../src/messaging/templates/template-error.ts'
import { render, validate } from '../../../src/messaging/templates/work.ts'

/** Shorter than Liquid's own limit of a part, and far below what `endless` takes on the fastest machine. */
const limits = { timeMs: 500, heapMb: 64 }
let renderer: Renderer
beforeAll(() => {
  renderer = new Renderer(limits, 2)
})
afterAll(() => renderer.close())

const scope: ScopeSource = {
  messageId: 'm',
  person: undefined,
  recipient: {},
  event: undefined,
  data: undefined,
  urls: { unsubscribe: 'u', permalink: 'v' },
  now: new Date('2026-11-23T00:00:00Z'),
}
const mail = (html: string, rest: object = {}) => ({
  source: { from: 'a@x.example', subject: 'S', html, ...rest },
  scope,
})
const run = (project: number, ...mails: ReturnType<typeof mail>[]) =>
  renderer.run(render, project, null, mails)

/** On a busy machine the end of a process takes longer than a batch may: what is left comes again. */
async function runAll(renderer: Renderer, mails: ReturnType<typeof mail>[]) {
  const ends = await renderer.run(render, 3, null, mails)
  const left = [...ends.keys()].filter((index) => 'later' in ends[index]!)
  if (left.length === 0) return ends
  const again = await renderer.run(
    render,
    3,
    null,
    left.map((index) => mails[index]!),
  )
  for (const [at, index] of left.entries()) ends[index] = again[at]!
  return ends
}

/** Each tag is fast enough for Liquid's own limit, which starts anew in each part. */
const endless = { headers: Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`X-${n}`, loop()])) }
/** Between a third of a millisecond and ten a round. */
function loop(rounds = 200) {
  return `{% assign a = "${'ab,'.repeat(3_000)}" | split: "," %}{% for i in (1..${rounds}) %}{% assign b = a | sort | uniq | join: "" %}{% endfor %}`
}

describe('a mail that takes too long', () => {
  test('is ended, with its part and the limit; its neighbours are rendered', async () => {
    const ends = await run(1, mail('one'), mail('two', endless), mail('three'))
    expect(ends.map((end) => ('result' in end ? end.result.html : end))).toEqual([
      'one',
      { error: expect.any(TemplateError) },
      'three',
    ])
    expect(ends[1]).toMatchObject({
      error: { part: 'headers', message: 'headers: rendering took longer than 0.5 s and was stopped' },
    })
  })

  test('and so is one that takes too long to check', async () => {
    const html = `{% raw %}${'{{'.repeat(400_000)}`
    const [end] = await renderer.run(validate, 1, null, [{ from: '', subject: '', html }])
    expect('error' in end! && end.error).toBeInstanceOf(TemplateError)
  })

  test('delays nobody of another project, who meanwhile gets everything rendered', async () => {
    const order: string[] = []
    const hostile = run(2, ...Array.from({ length: 4 }, () => mail('x', endless))).then(() =>
      order.push('hostile'),
    )
    const others = Array.from({ length: 20 }, (_, n) =>
      run(100 + n, mail('fine')).then((ends) => {
        expect(ends).toMatchObject([{ result: { html: 'fine' } }])
        order.push('other')
      }),
    )
    await Promise.all([hostile, ...others])
    expect(order.at(-1)).toBe('hostile')
  })
})

test('a mail that needs too much memory is ended; its neighbours are rendered', async () => {
  const patient = new Renderer({ timeMs: 60_000, heapMb: 64 }, 2)
  // What the filters make, Liquid does not count.
  const greedy = `{{ "${'<'.repeat(900_000)}" | escape | escape | escape | escape | escape | escape | newline_to_br | escape }}`
  const ends = await runAll(patient, [mail('one'), mail(greedy), mail('three')])
  patient.close()
  expect(ends).toMatchObject([
    { result: { html: 'one' } },
    { error: { message: 'html: rendering needed more than 64 MB of memory and was stopped' } },
    { result: { html: 'three' } },
  ])
})

test('one large allocation ends the render process and nothing else; its neighbours are rendered', async () => {
  const patient = new Renderer({ timeMs: 60_000, heapMb: 64 }, 2)
  // 152 MB in one go: the heap of a thread would not be asked, and the whole process would end.
  const large = '{% for i in (1..19000000) %}{% break %}{% endfor %}x'
  const ends = await runAll(patient, [mail('one'), mail(large), mail('three')])
  patient.close()
  expect(ends).toMatchObject([
    { result: { html: 'one' } },
    { error: { part: 'html', message: 'html: rendering needed more than 64 MB of memory and was stopped' } },
    { result: { html: 'three' } },
  ])
})

test('a search that nothing can interrupt is stopped with its process, and others go on meanwhile', async () => {
  // Needle times haystack, in one call of V8.
  const doubled =
    '{% assign h = "aaaaaaaaaa" %}{% for i in (1..17) %}{% assign h = h | append: h %}{% endfor %}'
  const needle = '{% assign n = h | slice: 0, 60000 %}{% assign n = "a" | append: "b" | append: n %}'
  const endless = mail(`${doubled}${needle}{{ h | replace: n, "" | size }}{{ h | split: n | size }}`)
  const order: string[] = []
  const slow = [6, 7].map((project) =>
    run(project, endless).then((ends) => {
      order.push('slow')
      expect(ends).toMatchObject([
        { error: { message: 'html: rendering took longer than 0.5 s and was stopped' } },
      ])
    }),
  )
  await Promise.all(slow)
  expect(await run(8, mail('fine'))).toMatchObject([{ result: { html: 'fine' } }])
})

test('many projects whose mails are slow, each within its limit, leave a process to quick ones', async () => {
  const patient = new Renderer({ ...limits, timeMs: 20_000 }, 2)
  const order: string[] = []
  // Both processes are there.
  await Promise.all([1, 2].map((project) => patient.run(render, project, null, [mail('x')])))
  // More than half a second each on the fastest machine.
  const slow = mail('x', {
    headers: { 'X-A': loop(1_000), 'X-B': loop(1_000), 'X-C': loop(1_000), 'X-D': loop(1_000) },
  })
  const slowOnes = Array.from({ length: 6 }, (_, n) =>
    patient.run(render, 200 + n, null, [slow, slow, slow]).then(() => order.push('slow')),
  )
  // By now all of them were seen once.
  await Promise.race(slowOnes)
  const quick = patient.run(render, 300, null, [mail('quick')]).then(() => order.push('quick'))
  await Promise.all([...slowOnes, quick])
  patient.close()
  expect(order.indexOf('quick')).toBeLessThan(3)
})

test('a project with too much waiting is told to come later, and others are not', async () => {
  const flood = Array.from({ length: 200 }, () => run(4, mail('x')))
  const other = run(5, mail('y'))
  expect(await other).toMatchObject([{ result: { html: 'y' } }])
  const ends = (await Promise.all(flood)).flat()
  expect(ends.some((end) => 'later' in end)).toBe(true)
  expect(ends.some((end) => 'result' in end)).toBe(true)
})

test('what is no mistake of the author is told apart', async () => {
  const [end] = await renderer.run(render, 1, null, [null as never])
  expect('error' in end! && end.error).not.toBeInstanceOf(TemplateError)
})

test('an organization with many projects keeps another one waiting for a slice, not for all of them', async () => {
  const patient = new Renderer({ ...limits, timeMs: 20_000 }, 2, async (project) =>
    project === 500 ? 'one' : 'many',
  )
  await Promise.all([400, 500].map((project) => patient.run(render, project, null, [mail('x')])))
  const order: string[] = []
  const many = Array.from({ length: 12 }, (_, n) =>
    patient.run(render, 401 + n, null, [mail(loop(30))]).then(() => order.push('many')),
  )
  const one = patient.run(render, 500, null, [mail('x')]).then(() => order.push('one'))
  await Promise.all([...many, one])
  patient.close()
  expect(order.indexOf('one')).toBeLessThan(4)
})
