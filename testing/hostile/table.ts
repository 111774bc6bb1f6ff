import type { Row } from './row.ts'

const columns: [title: string, width: number, cell: (row: Row) => string][] = [
  ['input', 34, ({ name }) => name],
  [
    'replies',
    26,
    ({ replies }) =>
      Object.entries(replies)
        .map(([status, n]) => `${status}×${n}`)
        .join(' '),
  ],
  ['loop ms', 9, ({ loopMs }) => rounded(loopMs)],
  ['beat ms', 9, ({ heartbeatMs }) => rounded(heartbeatMs)],
  ['MB', 6, ({ rssMb }) => rounded(rssMb)],
  ['+MB', 6, ({ grownMb }) => rounded(grownMb)],
  ['track p99 (idle)', 18, ({ quiet }) => `${rounded(quiet.track.p99)} (${rounded(quiet.track.idle)})`],
  ['people p99 (idle)', 19, ({ quiet }) => `${rounded(quiet.people.p99)} (${rounded(quiet.people.idle)})`],
  ['verdict', 0, ({ wrong, slow }) => [...wrong, ...slow].join('; ') || 'ok'],
]

export const heading = () => columns.map(([title, width]) => title.padEnd(width)).join(' ')

export const line = (row: Row) => columns.map(([, width, cell]) => cell(row).padEnd(width)).join(' ')

const rounded = (value: number | undefined) => (value === undefined ? '–' : String(Math.round(value)))
