import { gzipSync } from 'node:zlib'
import { type Input, many } from '../input.ts'
import type { Tenant } from '../tenant.ts'

const working = ['uploading', 'fetching', 'reading', 'dry_run', 'importing', 'undoing', 'cancelling']

/** Uploads a file as an import of people, starts it if it can be, and waits until it has come to rest. */
async function upload(
  tenant: Tenant,
  file: string | Uint8Array,
  name: string,
  format?: object,
): Promise<string> {
  const made = await tenant.rest('POST', '/imports', { kind: 'people', name, format })
  if (made.status !== 201) return 'refused'
  const path = `/imports/${made.json().id}`
  const binary = { 'content-type': 'application/octet-stream' }
  const sent = await tenant.rest('PUT', `${path}/file?last=true`, file, binary)
  if (sent.status !== 200) return 'refused'
  const state = await rest(tenant, path)
  if (state === 'ready') await tenant.rest('POST', `${path}/start`, {})
  const end = await rest(tenant, path)
  if (working.includes(end)) await tenant.rest('POST', `${path}/cancel`)
  return end
}

const rest = (tenant: Tenant, path: string): Promise<string> =>
  tenant.until(async () => {
    const reply = await tenant.rest('GET', path)
    if (reply.status !== 200) return undefined
    const state = reply.json().state as string
    return working.includes(state) ? undefined : state
  })

const file = (
  name: string,
  why: string,
  make: (size: number) => string | Uint8Array,
  [small, large]: [number, number],
  format?: object,
): Input => ({
  name: `import: ${name}`,
  why,
  async play(tenant, scale) {
    await upload(tenant, make(scale.of(small, large)), `${name.replaceAll(/\W+/g, '-')}.csv`, format)
  },
})

export const imports: Input[] = [
  file(
    'lines of blanks',
    '250 KB held the loop 6.6 s: rows that are all skipped never let others in',
    (size) => `id,email\n${'"  \n'.repeat(size)}`,
    [5_000, 62_500],
  ),
  file(
    'lines of one quote',
    '10 MB held the loop 24 s: an error object for each row inside the parser',
    (size) => `id,email\n${'"\n'.repeat(size)}`,
    [50_000, 5_000_000],
  ),
  file(
    'empty lines',
    'nothing to store, so nothing that lets others in',
    (size) => `id\n${'\n'.repeat(size)}`,
    [200_000, 10_000_000],
  ),
  file(
    'a line without an end',
    'a row is as long as the file',
    (size) => `id,email\n${'a'.repeat(size)}`,
    [1_000_000, 50_000_000],
  ),
  file(
    'a quote without an end',
    'a row is the rest of the file',
    (size) => `id\n"${'a,\n'.repeat(size)}`,
    [200_000, 5_000_000],
  ),
  file(
    'lines that each leave a quote open',
    'what is rejected as a line must not be looked at again by each of them',
    (size) => `id,email\n${'a",x"y,"\n'.repeat(size)}`,
    [100_000, 3_000_000],
  ),
  file(
    'quotes with text behind them',
    'each row is broken, and told',
    (size) => `id,email\n${'"a" b,c\n'.repeat(size)}`,
    [20_000, 2_000_000],
  ),
  file(
    'bytes of no encoding',
    'guessing takes a detector a quarter of a second; it has a thread',
    (size) => Buffer.from(Array.from({ length: size }, (_, n) => 128 + ((n * 7919) % 128))),
    [200_000, 10_000_000],
  ),
  file(
    'columns',
    'as many as fit into the header',
    (size) => `${'a,'.repeat(size)}\n${'1,'.repeat(size)}\n`,
    [20_000, 1_000_000],
  ),
  file(
    'rows of commas',
    'cells without anything in them',
    (size) => `id,a,b\n${',,\n'.repeat(size)}`,
    [50_000, 3_000_000],
  ),
  file(
    'NUL and halves of characters',
    'PostgreSQL stores neither',
    (size) => Buffer.from(`id,name\n${'1\0,\0\n'.repeat(size)}${'2,\xed\xa0\x80\n'.repeat(10)}`, 'latin1'),
    [1_000, 100_000],
  ),
  file(
    'formulas',
    'a cell that begins so is executed by who opens the rejected rows',
    (size) => `email\n${'"=cmd|\' /C calc\'!A0"\n'.repeat(size)}`,
    [100, 10_000],
  ),
  file(
    'deep JSON lines',
    'a parser that calls itself for each bracket',
    (size) => `{"id":1,"properties":${'['.repeat(size)}${']'.repeat(size)}}\n`,
    [10_000, 400_000],
    { type: 'ndjson' },
  ),
  file(
    'prototypes in JSON lines',
    'names that every object inherits',
    (size) =>
      '{"id":"1","__proto__":{"a":1},"constructor":{"prototype":{"a":1}},"toString":1}\n'.repeat(size),
    [100, 10_000],
    { type: 'ndjson' },
  ),
  file(
    'numbers without an end',
    'one digit after the other',
    (size) => `id,n\n1,${'1'.repeat(size)}e\n`,
    [50_000, 900_000],
  ),
  file(
    'a bomb',
    'a kilobyte becomes a megabyte',
    (size) => gzipSync(Buffer.alloc(size, 'a,b\n')),
    [10_000_000, 500_000_000],
  ),
  file(
    'a bomb in a bomb',
    'each layer is a thousandth of the next',
    (size) => gzipSync(gzipSync(gzipSync(Buffer.alloc(size, 'a,b\n')))),
    [10_000_000, 200_000_000],
  ),
  file(
    'a zip of hidden entries',
    'each was looked at: 30 s of CPU for 60,000, and on after the cancel',
    zip,
    [3_000, 60_000],
  ),
  file(
    'a zip that is cut off',
    'its directory is not where it says',
    (size) => zip(size).subarray(0, -40),
    [1_000, 60_000],
  ),
  {
    name: 'imports that are cancelled',
    lasts: true,
    why: 'what is cancelled must stop, not only say so',
    play: (tenant, scale) =>
      many(scale.of(3, 20), 3, async (i) => {
        const made = await tenant.rest('POST', '/imports', { kind: 'people', name: `cancel-${i}.csv` })
        if (made.status !== 201) return
        const path = `/imports/${made.json().id}`
        const rows = Array.from(
          { length: scale.of(20_000, 200_000) },
          (_, n) => `c${i}-${n},${'x'.repeat(50)}`,
        )
        const binary = { 'content-type': 'application/octet-stream' }
        await tenant.rest('PUT', `${path}/file?last=true`, `id,name\n${rows.join('\n')}`, binary)
        if ((await rest(tenant, path)) === 'ready') await tenant.rest('POST', `${path}/start`, {})
        await tenant.rest('POST', `${path}/cancel`)
        await rest(tenant, path)
      }),
  },
]

/** Files that nobody sees, as archives from some systems have them, each of nothing. */
function zip(count: number): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (let i = 0; i < count; i++) {
    const name = Buffer.from(`__MACOSX/._${i}`)
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(20, 4)
    local.writeUInt16LE(name.length, 26)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt16LE(20, 4)
    entry.writeUInt16LE(20, 6)
    entry.writeUInt16LE(name.length, 28)
    entry.writeUInt32LE(offset, 42)
    locals.push(local, name)
    directory.push(entry, name)
    offset += local.length + name.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(count, 8)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, central, end])
}
