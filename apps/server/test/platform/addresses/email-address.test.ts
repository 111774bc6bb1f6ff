import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addressKey,
  addressProblem,
  canonicalAddress,
  domainOf,
} from '../../../src/platform/email-address.ts'

describe('the canonical form', () => {
  test.each([
    ['Ann.Smith+tag@Example.COM', 'Ann.Smith+tag@example.com'],
    ['a@müller.example', 'a@xn--mller-kva.example'],
    ['a@MÜLLER.example', 'a@xn--mller-kva.example'],
    ['a@XN--MLLER-KVA.example', 'a@xn--mller-kva.example'],
    ['a@mu\u0308ller.example', 'a@xn--mller-kva.example'],
    ['a@ｍüller。example', 'a@xn--mller-kva.example'],
    ['a@straße.example', 'a@xn--strae-oqa.example'],
    ['jose\u0301@x.example', 'josé@x.example'],
    ['Ünal@x.example', 'Ünal@x.example'],
    ['\u200b\u00a0 a@x.example\r\n\ufeff', 'a@x.example'],
    ['\u{e0001}a@x.example\u2060\u{e007f}', 'a@x.example'],
    ["o'neil/x=y@x.example", "o'neil/x=y@x.example"],
    ['a@localhost', 'a@localhost'],
    ['a@r3---sn.example', 'a@r3---sn.example'],
    ['a@123.example', 'a@123.example'],
    [`${'a'.repeat(64)}@x.example`, `${'a'.repeat(64)}@x.example`],
  ])('of %j is %j', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical)
    expect(addressProblem(text)).toBeUndefined()
  })

  test.each([
    ['', 'it has no @'],
    ['nobody', 'it has no @'],
    ['a＠x.example', 'it has no @'],
    ['@x.example', 'nothing comes before the @'],
    ['a@', 'what comes after the @ is no domain'],
    ['a@b@x.example', 'it has more than one @'],
    ['a\u200b@x.example', 'it has an invisible character in it (U+200B)'],
    ['a@exa\u00admple.com', 'it has an invisible character in it (U+00AD)'],
    ['a@x\u200d.example', 'it has an invisible character in it (U+200D)'],
    ['a\u202eb@x.example', 'it has an invisible character in it (U+202E)'],
    ['a\u{e0041}b@x.example', 'it has an invisible character in it (U+E0041)'],
    ['a@x.example\r\nBcc: b@x.example', 'it has an invisible character in it (U+000D)'],
    ['a\0@x.example', 'it has an invisible character in it (U+0000)'],
    ['a b@x.example', 'it has a space in it'],
    ['Ann <a@x.example>', 'it has a space in it'],
    ['<a@x.example>', 'it has < in it'],
    ['a,b@x.example', 'it has , in it'],
    ['"a"@x.example', 'it has " in it'],
    ['\u037ea@x.example', 'it has ; in it'],
    ['a\ud800@x.example', 'it has half a character in it'],
    ['a\ufffd@x.example', 'it has a character in it that could not be read (U+FFFD)'],
    ['a..b@x.example', 'it has two dots in a row'],
    ['.a@x.example', 'what comes before the @ begins or ends with a dot'],
    ['a.@x.example', 'what comes before the @ begins or ends with a dot'],
    ['a@x..example', 'it has two dots in a row'],
    ['a@.x.example', 'its domain begins or ends with a dot'],
    ['a@x.example.', 'its domain begins or ends with a dot'],
    ['a@x.example。', 'its domain begins or ends with a dot'],
    ['a@-x.example', 'a part of its domain begins or ends with a hyphen'],
    ['a@x-.example', 'a part of its domain begins or ends with a hyphen'],
    ['a@xn--abc-.example', 'a part of its domain begins or ends with a hyphen'],
    ['a@xn--zzzzzz99999.example', 'what comes after the @ is no domain'],
    ['a@x/y.example', 'what comes after the @ is no domain'],
    ['a@ü／y.example', 'what comes after the @ is no domain'],
    ['a@ü%41.example', 'what comes after the @ is no domain'],
    ['a@ex!ample.com', 'what comes after the @ is no domain'],
    ['a@1.2.3.4', 'its domain ends with a number'],
    ['a@１.２.３.４', 'its domain ends with a number'],
    ['a@0x7f', 'its domain ends with a number'],
    [`${'a'.repeat(65)}@x.example`, 'more than 64 characters come before the @'],
    [`a@${'x'.repeat(64)}.example`, 'a part of its domain is longer than 63 characters'],
    [`a@${'ü'.repeat(60)}.${'ü'.repeat(60)}.example`, 'a part of its domain is longer than 63 characters'],
    [`a@${'x.'.repeat(130)}example`, 'its domain is longer than 253 characters'],
    ['x'.repeat(2_000), 'it is too long'],
  ])('of %j is none: %s', (text, problem) => {
    expect(canonicalAddress(text)).toBeUndefined()
    expect(addressProblem(text)).toBe(`is not an email address: ${problem}`)
  })
})

describe('the key', () => {
  test.each([
    ['Ann@X.example', 'ann@x.example'],
    ['a@müller.example', 'a@xn--mller-kva.example'],
    ['ÄB@x.example', 'äb@x.example'],
    ['IBRAHIM@x.example', 'ibrahim@x.example'],
    // J with a caron has a letter of its own in lower case only.
    ['J\u030c@x.example', '\u01f0@x.example'],
    ['  No Address ', 'no address'],
  ])('of %j is %j', (text, key) => {
    expect(addressKey(text)).toBe(key)
  })
})

const piece = fc.constantFrom(
  ...['a', 'B', 'i', 'I', 'İ', 'ı', 'ü', 'u\u0308', 'ß', 'Σ', 'ς', 'é', 'J\u030c', '0', '-', '_', '+', "'"],
  ...[
    '.',
    '。',
    '..',
    '@',
    ' ',
    '\u200b',
    '\ufeff',
    '\u00ad',
    '\u200d',
    '\r\n',
    'xn--',
    'mller-kva',
    '/',
    '%',
  ],
  ...['ｘ', '１', 'ﬀ', '漢', '😀', '\u{e0041}', '\ud800', '\u037e', '\u212a', '<', ','],
)
const soup = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
const address = fc.tuple(soup, soup).map(([local, domain]) => `${local}@${domain}.example`)

describe('whatever the text', () => {
  test('what is canonical stays, and has neither a line break nor anything unseen', () => {
    fc.assert(
      fc.property(fc.oneof(address, soup, fc.string({ unit: 'binary' })), (text) => {
        const canonical = canonicalAddress(text)
        expect(canonical === undefined).toBe(addressProblem(text) !== undefined)
        if (canonical === undefined) return
        expect(canonicalAddress(canonical)).toBe(canonical)
        expect(canonical).toMatch(/^[^\s\p{Cc}\p{Cf}\p{Cs}@<>,;:"]+@[a-z0-9._-]+$/u)
      }),
      { numRuns: 3_000 },
    )
  })

  test('the key is the same for every spelling', () => {
    fc.assert(
      fc.property(address, (text) => {
        const canonical = canonicalAddress(text)
        if (canonical === undefined) return
        const key = addressKey(text)
        expect(addressKey(key)).toBe(key)
        for (const spelling of [canonical, ` ${text}\u200b`, text.normalize('NFD')])
          expect(addressKey(spelling)).toBe(key)
        expect(addressKey(canonical.replace(domainOf(canonical), domainOf(canonical).toUpperCase()))).toBe(
          key,
        )
      }),
      { numRuns: 3_000 },
    )
  })
})
