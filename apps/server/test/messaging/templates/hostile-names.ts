import fc from 'fast-check'

/** What somebody might call themselves to become the sender, or a recipient, of a mail. */
export const hostileNames = [
  'CEO <ceo@bank.example>',
  'CEO <ceo@bank.example>,',
  'ceo@bank.example',
  '"CEO" <ceo@bank.example>, "x',
  'Bank: ceo@bank.example; x',
  'Bank: ceo@bank.example, ',
  'x (ceo@bank.example) <a@b.example> (',
  '"',
  '\\',
  '\\"',
  'Ann\r\nBcc: ceo@bank.example',
  'Ann\nFrom: ceo@bank.example',
  'Ann\u2028Sender: ceo@bank.example',
  '=?utf-8?q?CEO_=3Cceo=40bank.example=3E?=',
  '<ceo@bank.example> \uE000636f\uE001',
  '\uE001 <ceo@bank.example> \uE000',
  '\u202e<ceo@bank.example>',
  'ceo@bänk.example',
  `${'x'.repeat(5_000)} <ceo@bank.example>`,
]

const piece = fc.constantFrom(
  ...[
    '<',
    '>',
    '"',
    '\\',
    ',',
    ';',
    ':',
    '(',
    ')',
    '@',
    '.',
    ' ',
    '\r\n',
    '\n',
    '\0',
    '\t',
    '=?utf-8?q?',
    '?=',
  ],
  ...[
    'ceo@bank.example',
    '<ceo@bank.example>',
    'Ann',
    'ü',
    '\uE000',
    '\uE001',
    '6162',
    '\u2028',
    '[',
    ']',
    '{{',
  ],
)

/** Made of what means something in a header. */
export const hostileName = fc.array(piece, { minLength: 1, maxLength: 12 }).map((all) => `a${all.join('')}`)
