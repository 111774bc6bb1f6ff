import { expect, test } from 'vitest'
import { storableJson } from '../../../src/messaging/messages/storable.ts'
import { platformFilters } from '../../../src/messaging/templates/filters.ts'
import { formatNumber } from '../../../src/messaging/templates/format-number.ts'
import { mayContainMarkup, textTemplateOf } from '../../../src/messaging/templates/plain-text.ts'
import { insertPreheader } from '../../../src/messaging/templates/preheader.ts'
import { renderMail } from '../../../src/messaging/templates/render.ts'

const size = 8_000
const { delimiter, humanize, precision, time_zone: timeZone, encode } = platformFilters

/** What once took a time that grew with the square of the text, and its kin. */
const cases: [string, (text: string) => unknown, string][] = [
  ['preheader', (text) => insertPreheader(text, 'p'), '<body '],
  ['preheader', (text) => insertPreheader(text, 'p'), '<body'],
  ['text template', textTemplateOf, '{{'],
  ['text template', textTemplateOf, '{%'],
  ['text template', textTemplateOf, '{{ {% '],
  ['text template', textTemplateOf, '{{ a }}'],
  ['text template', textTemplateOf, '\uE0001'],
  ['markup', mayContainMarkup, '&a'],
  ['markup', mayContainMarkup, '&aaaaaaaa'],
  ['delimiter', (text) => delimiter!(text), '1'],
  ['delimiter', (text) => delimiter!(`${text}x`), '1'],
  ['precision', (text) => precision!(text), '1'],
  ['humanize', (text) => humanize!(text), '_ '],
  ['humanize', (text) => humanize!(text), '_id'],
  ['encode', (text) => encode!(text), 'é'],
  ['time zone', (text) => timeZone!(text, 'UTC'), '1'],
  ['format', (text) => formatNumber(text, 1), '%0'],
  ['format', (text) => formatNumber(text, 1), '%'],
  ['format', (text) => formatNumber(`%${text}`, 1), '0'],
  ['json', (text) => storableJson(`\0${text}`), '\\'],
  ['json', (text) => storableJson(text), '\\\0'],
  ['one line', (text) => renderMail({ from: 'a', subject: text, html: 'h' }, {}).subject, ' \n'],
  ['blank lines', (text) => renderMail({ from: 'a', subject: 's', html: 'h', text }, {}).text, '\n\n '],
]

test.each(cases)('%s: 32 times the text takes about 32 times as long', (_, run, unit) => {
  const text = (factor: number) => unit.repeat(Math.ceil((size * factor) / unit.length))
  const [small, large] = [text(1), text(32)]
  let [shortest, longest] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  // The best of many: a busy machine only ever adds.
  for (let round = 0; round < 7; round++) {
    shortest = Math.min(shortest, timeOf(run, small))
    longest = Math.min(longest, timeOf(run, large))
  }
  // 1,024 for a square; caches and collections made a linear one up to six times as dear.
  expect(longest / Math.max(shortest, 0.01)).toBeLessThan(512)
})

function timeOf(run: (text: string) => unknown, text: string): number {
  const started = performance.now()
  run(text)
  return performance.now() - started
}
