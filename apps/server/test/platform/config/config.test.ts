import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig, settings, unknownVariables } from '../../../src/platform/config.ts'

describe('readConfig', () => {
  it('has a default for everything but what is yours to give', () => {
    expect(readConfig({})).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
      role: 'all',
      queueStore: 'postgres',
      dataDir: expect.stringMatching(/\/\.fairway$/),
      databaseUrl: undefined,
      maxEventBytes: undefined,
      maxBatchBytes: undefined,
      maxBatchEvents: undefined,
    })
  })

  it('takes an empty variable for an absent one', () => {
    expect(readConfig({ FAIRWAY_PORT: '', DATABASE_URL: ' ' })).toEqual(readConfig({}))
  })

  it.each([
    ['FAIRWAY_PORT', '70000', 'a whole number from 0 to 65535, not "70000"'],
    ['FAIRWAY_PORT', '3e3', 'a whole number from 0 to 65535, not "3e3"'],
    ['FAIRWAY_ROLE', 'both', 'one of all, api, worker, not "both"'],
    ['FAIRWAY_QUEUE_STORE', 'redis', 'one of postgres, dynamodb, not "redis"'],
    ['FAIRWAY_DYNAMODB_TABLE', 'a b', '3 to 255 letters, digits, dots, dashes and underscores, not "a b"'],
    ['FAIRWAY_DYNAMODB_ENDPOINT', 'localhost:8000', 'a URL that starts with http:// or https://'],
    [
      'FAIRWAY_TRUST_PROXY',
      'yes',
      'true, false, a number of proxies up to 9, or their addresses and networks, not "yes"',
    ],
    ['FAIRWAY_TRUST_PROXY', '10.0.0.0/33', 'true, false, a number'],
    ['FAIRWAY_TRUST_PROXY', '10.0.0.1,', 'true, false, a number'],
    ['FAIRWAY_PUBLIC_URL', 'example.com', 'a URL that starts with http:// or https://'],
    [
      'DATABASE_URL',
      'mysql://root:hidden@localhost/x',
      'a URL that starts with postgres:// or postgresql://',
    ],
    ['FAIRWAY_SECRET', 'hidden', 'at least 32 characters long'],
  ])('%s=%s is refused, with what it must be', (variable, value, message) => {
    const read = () => readConfig({ [variable]: value })
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(`${variable} must be ${message}`)
    expect(read).not.toThrow(/hidden/)
  })

  it('names every wrong variable at once', () => {
    expect(() => readConfig({ FAIRWAY_PORT: 'x', FAIRWAY_ROLE: 'y' })).toThrow(
      /FAIRWAY_PORT.*\n.*FAIRWAY_ROLE/,
    )
  })

  it.each([
    ['false', false],
    ['0', false],
    ['true', 1],
    ['1', 1],
    ['2', 2],
    ['10.0.0.1', ['10.0.0.1']],
    ['10.0.0.0/8, fd00::/8', ['10.0.0.0/8', 'fd00::/8']],
  ])('FAIRWAY_TRUST_PROXY=%s', (value, trustProxy) => {
    expect(readConfig({ FAIRWAY_TRUST_PROXY: value })).toMatchObject({ trustProxy })
  })

  it('finds slips of the pen', () => {
    expect(unknownVariables({ FAIRWAY_PROT: '1', FAIRWAY_PORT: '1', PATH: '' })).toEqual(['FAIRWAY_PROT'])
  })
})

it('docs/configuration.md shows every setting as it is', () => {
  const page = readFileSync(new URL('../../../../../docs/configuration.md', import.meta.url), 'utf8')
  const rows = Object.values(settings).map(
    (setting) =>
      `| \`${setting.variable}\` | ${setting.default === undefined ? '' : `\`${setting.default}\``} | ${setting.what} |`,
  )
  expect(page.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows)
})
