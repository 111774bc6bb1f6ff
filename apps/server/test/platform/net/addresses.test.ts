import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { isPublicAddress } from '../../../src/platform/net/addresses.ts'
import {
  connectGuarded,
  GuardedSocket,
  getGuarded,
  isInternalHost,
  isInternalLiteral,
} from '../../../src/platform/net/connections.ts'

describe('an address is public', () => {
  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '172.32.0.1',
    '223.255.255.254',
    '2606:4700::1111',
    '2a00:1450:4001::1',
    '2001:200::1',
  ])('%s', (address) => expect(isPublicAddress(address)).toBe(true))
})

describe('an address is not public', () => {
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '168.63.129.16',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.0.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::127.0.0.1',
    '::8.8.8.8',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:0:7f00:1',
    '64:ff9b::a00:1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:0:7f00:1::',
    '2001:10::1',
    '2001:20::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '2002:a00:1::1',
    '3fff::1',
    '4000::1',
    '5f00::1',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'fe80::1%eth0',
    '2606:4700::1111%eth0',
    'fec0::1',
    'ff02::1',
    // No addresses as we read them: whoever connects looks them up, and the result is checked.
    '127.1',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1',
    '127.0.0.1.',
    '[::1]',
    'localhost',
    '',
  ])('%s', (address) => expect(isPublicAddress(address)).toBe(false))
})

/** As getaddrinfo, a URL or a person may spell this machine. */
const spellings = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '017700000001',
  '127.0.0.1.',
  'localhost',
  'localhost.',
  'LOCALHOST',
  '::1',
  '[::1]',
  '0:0:0:0:0:0:0:1',
  '::ffff:127.0.0.1',
  '[::ffff:7f00:1]',
  '::1%lo',
  'fe80::1%lo',
  '0.0.0.0',
  '0',
  '::',
]

/** What Node says of a name that nobody knows, or that is none. */
const unknown = /ENOTFOUND|EAI_AGAIN|EINVAL|ERR_INVALID/

describe('nothing is connected to on this machine', () => {
  it.each(spellings)('%s, by a socket', async (host) => {
    const server = createServer()
    let connections = 0
    server.on('connection', () => connections++)
    await new Promise<void>((done) => server.listen(0, done))
    const { port } = server.address() as AddressInfo
    const refused = (error: unknown) =>
      isInternalHost(error) || unknown.test(String((error as { code?: string }).code))
    await expect(connectGuarded(host, port, { allowPrivate: false, timeoutMs: 30_000 })).rejects.toSatisfy(
      refused,
    )
    const socket = new GuardedSocket({ allowPrivate: false })
    const failed = new Promise((resolve) => socket.once('error', resolve))
    socket.connect(port, host)
    expect(await failed).toSatisfy(refused)
    expect(connections).toBe(0)
    await new Promise((done) => server.close(done))
  })

  it.each(spellings)('%s, by a URL', async (host) => {
    const server = createServer()
    let connections = 0
    server.on('connection', () => connections++)
    await new Promise<void>((done) => server.listen(0, done))
    const { port } = server.address() as AddressInfo
    const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
    const address = `http://${bracketed}:${port}/`
    if (URL.canParse(address))
      await expect(
        getGuarded(new URL(address), {
          allowPrivate: false,
          signal: new AbortController().signal,
          silenceMs: 30_000,
          answerMs: 30_000,
        }),
      ).rejects.toSatisfy(
        (error) => isInternalHost(error) || unknown.test(String((error as { code?: string }).code)),
      )
    expect(connections).toBe(0)
    await new Promise((done) => server.close(done))
  })

  it('unless the operator allows it', async () => {
    const server = createServer()
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    const socket = await connectGuarded('127.0.0.1', port, { allowPrivate: true, timeoutMs: 30_000 })
    socket.destroy()
    server.close()
  })
})

it('a host that is typed in gets a friendly no', () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]', '10.0.0.1', 'fe80::1%eth0'])
    expect([host, isInternalLiteral(host)]).toEqual([host, true])
  for (const host of ['smtp.example.com', '1.1.1.1', '[2606:4700::1111]'])
    expect([host, isInternalLiteral(host)]).toEqual([host, false])
})
