import { expect, it } from 'vitest'
import { acceptsGzip } from '../../src/platform/http/accept-encoding.ts'

it('gzip is taken when the header says so', () => {
  for (const header of ['gzip', 'br, gzip', 'GZIP;q=0.5', 'x-gzip', 'br;q=1.0 , gzip ; q=0.001'])
    expect([header, acceptsGzip(header)]).toEqual([header, true])
  for (const header of [undefined, '', 'br', 'gzip;q=0', 'gzip; q=0.000', 'notgzip', 'gzip2', 'gzip;q=no'])
    expect([header, acceptsGzip(header)]).toEqual([header, false])
})

it('a long header costs no more than its length', () => {
  const took = (length: number) => {
    const headers = [
      ' '.repeat(length),
      `gzip${' '.repeat(length)}x`,
      'gzip;q=0,'.repeat(length / 9),
      ';'.repeat(length),
    ]
    const began = process.cpuUsage()
    for (const header of headers) for (let n = 0; n < 20; n++) acceptsGzip(header)
    const { user, system } = process.cpuUsage(began)
    return user + system
  }
  took(64_000)
  expect(took(256_000) / Math.max(10_000, took(64_000))).toBeLessThan(10)
})
