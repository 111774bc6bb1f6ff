import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ends, growthOf, isLinear, pumps } from '../../../../testing/growth.ts'
import { typeBit } from '../../src/audience/catalogue/value-types.ts'
import { foldCase } from '../../src/audience/conditions/fold-case.ts'
import { parseConditions } from '../../src/audience/conditions/parse.ts'
import { elements, readInstant, readNumber } from '../../src/audience/conditions/values.ts'
import { readEmail, readTime } from '../../src/audience/items/fields.ts'
import { foldName } from '../../src/audience/items/item.ts'
import { parsePersonPath } from '../../src/audience/people/edit.ts'
import { languageName, timezoneName } from '../../src/audience/people/locale.ts'
import { readSendRequest } from '../../src/automation/transactional/request.ts'
import { acceptAnyBody, type Body } from '../../src/ingest/body.ts'
import { operation, personInPath } from '../../src/ingest/customer-io-requests.ts'
import { LargeTurns } from '../../src/ingest/large-turns.ts'
import { callToItems } from '../../src/ingest/segment-requests.ts'
import { trackEvent, identify as trackPerson } from '../../src/ingest/track-requests.ts'
import { validateItem } from '../../src/ingest/validate-item.ts'
import { basicCredentials, bearerToken } from '../../src/ingest/vendor-api.ts'
import { parseAddresses, parseMailboxes } from '../../src/messaging/addresses/addresses.ts'
import { bouncedAddresses, classifySmtpError } from '../../src/messaging/channels/email/smtp-results.ts'
import { readSender, sourceProblem } from '../../src/messaging/templates/sender.ts'
import { textArray } from '../../src/platform/db/array.ts'
import { integerShape, readCursor, timestampShape, writeCursor } from '../../src/platform/db/cursor.ts'
import { addressKey } from '../../src/platform/email-address.ts'
import { normalPhone, phonePrefix } from '../../src/platform/phone.ts'
import { readZone } from '../../src/platform/time-zone.ts'
import { distinct, expressionsOfSources } from './expressions.ts'
import { isBounded } from './known.ts'

const now = new Date('2026-01-01T00:00:00Z')
const limits = { eventBytes: 1e9, batchBytes: 1e9, batchItems: 1e6 }
const asBody = (value: unknown): Body => ({ value, bytes: 1e6, suspicious: true })

/** Whatever reads a text that somebody else wrote, by what it reads. */
const readers: Record<string, (text: string) => unknown> = {
  'addresses of a list': parseAddresses,
  'mailboxes of a list': parseMailboxes,
  'a sender': (text) => [readSender(text), sourceProblem('fromAddress', text)],
  'an address': (text) => [addressKey(text), readEmail(text, 'email')],
  'a phone number': (text) => normalPhone(text, 'DE'),
  'the beginning of a phone number': (text) => phonePrefix(text, 'DE'),
  'a language': languageName,
  'a time zone': (text) => [timezoneName(text), readZone(text)],
  'a name of an event': foldName,
  'a time': (text) => readTime(text, 'at'),
  'a time of a condition': (text) => readInstant(text),
  'a number of a condition': readNumber,
  'a text without regard to case': foldCase,
  'a list of a condition': (text) => elements([...text])(text),
  'a type of a value': typeBit,
  'a condition': (text) => parseConditions({ person: text, is: text }, { trigger: false }),
  'a person in a path': (text) => [personInPath(text), parsePersonPath(text)],
  'a cursor': (text) => readCursor(text, timestampShape, integerShape),
  'a forged cursor': (text) => readCursor(writeCursor(text, text), timestampShape, integerShape),
  'credentials of a header': (text) => [basicCredentials(`Basic ${text}`), bearerToken(`Bearer ${text}`)],
  'an array for PostgreSQL': (text) => textArray([text, text]),
  'an answer of a mail server': (text) => {
    const answer = { code: 'EENVELOPE', responseCode: 550, response: text, rejectedErrors: [] }
    const error = Object.assign(new Error(text), answer)
    return ['MAIL FROM', 'RCPT TO', 'DATA'].map((command) => [
      classifySmtpError(Object.assign(error, { command }), { complete: false }, { to: ['a@x.example'] }),
      bouncedAddresses(error, ['a@x.example']),
    ])
  },
  'an item of the Track API': (text) => [
    trackPerson({ id: '1', email: text, data: { [text]: text }, channels: [{ type: text }] }, 0),
    trackEvent({ identity: { id: '1', [text]: text }, event_name: 'x', data: { [text]: text } }, 0),
  ],
  'a call of the Segment spec': (text) =>
    callToItems('identify', { userId: '1', traits: { phone: text, [text]: text }, timestamp: text }, {
      now: 0,
    } as never),
  'an operation of Customer.io': (text) =>
    operation(
      { type: 'person', action: 'identify', identifiers: { id: '1' }, attributes: { [text]: text } },
      0,
    ),
  'a transactional message': (text) =>
    readSendRequest({ transactional_message_id: text, to: text, identifiers: { id: text } }, text, now),
  'an attachment': (text) =>
    readSendRequest(
      { transactional_message_id: 1, identifiers: { id: '1' }, attachments: { [text]: text } },
      undefined,
      now,
    ),
  'an item with hostile keys': (text) =>
    validateItem({ [text]: { [text]: [text] } }, '', asBody(text), limits),
}

test.each(Object.entries(readers))('time to read %s grows with its length', async (_name, read) => {
  expect(await superlinear(read)).toEqual([])
})

describe('time to read a body grows with its length:', () => {
  let server: FastifyInstance
  beforeAll(async () => {
    server = Fastify({ bodyLimit: 1e9 })
    acceptAnyBody(server, limits, () => 1, new LargeTurns())
    server.post('/', { config: { batch: true } }, async () => 'read')
    await server.ready()
  })
  afterAll(() => server.close())

  const boundary = 'x'.repeat(200)
  const multipart = `multipart/form-data; boundary=${boundary}`
  const part = `--${boundary}\r\ncontent-disposition: form-data; name="`
  test.each<[string, string, (text: string) => string]>([
    ['JSON', 'application/json', (text) => text],
    ['a text in JSON', 'application/json', (text) => JSON.stringify({ [text]: text })],
    ['a form', 'application/x-www-form-urlencoded', (text) => `a=${text}`],
    ['names of a form', 'application/x-www-form-urlencoded', (text) => `${text}=1`],
    [
      'JSON in a form',
      'application/x-www-form-urlencoded',
      (text) => `data=${encodeURIComponent(`{${text}`)}`,
    ],
    ['fields', multipart, (text) => `${part}a"\r\n\r\n${text}\r\n--${boundary}--`],
    ['names of fields', multipart, (text) => `${part}${text}"\r\n\r\n1\r\n--${boundary}--`],
    ['headers of fields', multipart, (text) => `${part}a"\r\n${text}: ${text}\r\n\r\n1\r\n--${boundary}--`],
    ['no fields', multipart, (text) => text],
  ])('%s', async (_name, type, write) => {
    const read = (payload: string) =>
      server.inject({ method: 'POST', url: '/', headers: { 'content-type': type }, payload })
    expect(await superlinear((text) => read(write(text.replaceAll('\ud800', '\ufffd'))))).toEqual([])
  })
})

test('time of every regular expression grows with the length of its text', async () => {
  const faults: string[] = []
  const expressions = expressionsOfSources().filter((expression) => !isBounded(expression))
  for (const { file, line, source, flags } of distinct(expressions)) {
    const shape = new RegExp(source, flags)
    const run = shape.global ? (text: string) => text.replace(shape, '') : (text: string) => shape.test(text)
    for (const fault of await superlinear(run)) faults.push(`${file}:${line} /${source}/${flags} ${fault}`)
  }
  expect(faults).toEqual([])
}, 600_000)

test('an expression that is quadratic is found', async () => {
  const growth = await growthOf(
    (length) => '<body '.repeat(length / 6),
    (text) => /<body\b[^>]*>/i.test(text),
  )
  expect(isLinear(growth)).toBe(false)
})

/** Texts for which `run` takes more than in proportion longer, the longer they are. */
async function superlinear(run: (text: string) => unknown): Promise<string[]> {
  const faults: string[] = []
  for (const pump of pumps) {
    for (const end of ends) {
      const growth = await growthOf((length) => pump.repeat(length / pump.length) + end, run)
      if (!isLinear(growth)) faults.push(`${JSON.stringify(pump)}… ${JSON.stringify(end)}: ×${growth}`)
    }
  }
  return faults
}
