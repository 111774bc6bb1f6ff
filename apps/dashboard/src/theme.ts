import {
  type CSSVariablesResolver,
  createTheme,
  localStorageColorSchemeManager,
  type MantineColorsTuple,
} from '@mantine/core'

/** Deep water green: links, primary buttons, the first series of a chart. Shade 7 has 4.9:1 on white. */
const lagoon: MantineColorsTuple = [
  '#e8f7f3',
  '#d2eee6',
  '#a5dccd',
  '#74c9b4',
  '#4dba9f',
  '#35ad92',
  '#1c967d',
  '#0b7f69',
  '#086655',
  '#044c40',
]

/** The buoys that mark a fairway: the second series of a chart, and whatever asks for attention. */
const buoy: MantineColorsTuple = [
  '#fff6f1',
  '#ffeae0',
  '#fdc0a5',
  '#fb9d75',
  '#f9804d',
  '#f26a33',
  '#dc5820',
  '#b94717',
  '#943812',
  '#6f290d',
]

/** Greys with a trace of the primary colour, so that surfaces and text look of one family. */
const gray: MantineColorsTuple = [
  '#f6f9f8',
  '#eef3f1',
  '#e3eae7',
  '#d4ddd9',
  '#c0cbc6',
  '#9fada7',
  '#5d6b65',
  '#46524d',
  '#323c38',
  '#1e2623',
]

const dark: MantineColorsTuple = [
  '#d5deda',
  '#bac6c1',
  '#9aa8a2',
  '#6c7a75',
  '#3c4845',
  '#2f3a37',
  '#232d2a',
  '#19211f',
  '#121917',
  '#0b100f',
]

/** Darker at its end than Mantine's, so that words on a pale yellow can be read. */
const yellow: MantineColorsTuple = [
  '#fff9e6',
  '#fdf0c8',
  '#f9e08f',
  '#f4cd55',
  '#eebb2b',
  '#e0a80f',
  '#d39b05',
  '#c68f00',
  '#6e4f00',
  '#4f3900',
]

/** Darker from its middle on than Mantine's, so that white on it, and it on white, can be read: shade 7 has 5.2:1. */
const red: MantineColorsTuple = [
  '#fff5f5',
  '#ffe3e3',
  '#ffc9c9',
  '#ffa8a8',
  '#ff8787',
  '#fa6a6a',
  '#e84545',
  '#d02828',
  '#b32020',
  '#961b1b',
]

const sans =
  "system-ui, -apple-system, 'Segoe UI Variable Text', 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif"
const mono = "ui-monospace, 'SF Mono', 'Cascadia Code', Menlo, Consolas, 'DejaVu Sans Mono', monospace"

export const theme = createTheme({
  colors: { lagoon, buoy, yellow, red, gray, dark },
  black: '#161d1a',
  primaryColor: 'lagoon',
  primaryShade: { light: 7, dark: 7 },
  fontFamily: sans,
  fontFamilyMonospace: mono,
  headings: {
    fontFamily: sans,
    fontWeight: '650',
    textWrap: 'balance',
    sizes: {
      h1: { fontSize: '1.625rem', lineHeight: '1.25' },
      h2: { fontSize: '1.125rem', lineHeight: '1.35' },
      h3: { fontSize: '1rem', lineHeight: '1.4' },
    },
  },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Card: { defaultProps: { withBorder: true, padding: 'lg' } },
    Tooltip: { defaultProps: { withArrow: true, multiline: true, maw: 320, openDelay: 250 } },
    Modal: { defaultProps: { centered: true, closeButtonProps: { 'aria-label': 'Close' } } },
    Drawer: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Select: { defaultProps: { allowDeselect: false, checkIconPosition: 'right' } },
    Table: { defaultProps: { verticalSpacing: 'sm', horizontalSpacing: 'md' } },
  },
})

/** The pale variant of each colour on dark surfaces: a breath of it, with words light enough to read. */
const paleOnDark = Object.fromEntries(
  ['lagoon', 'buoy', 'yellow', 'red', 'blue'].flatMap((color) => [
    [
      `--mantine-color-${color}-light`,
      `color-mix(in srgb, var(--mantine-color-${color}-5) 16%, transparent)`,
    ],
    [
      `--mantine-color-${color}-light-hover`,
      `color-mix(in srgb, var(--mantine-color-${color}-5) 24%, transparent)`,
    ],
    [`--mantine-color-${color}-light-color`, `var(--mantine-color-${color}-3)`],
  ]),
)

/** The page behind the cards: slightly darker than them in either scheme. */
export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: { '--fw-canvas': '#f6f9f8', '--fw-line': '#e3eae7' },
  dark: {
    ...paleOnDark,
    '--fw-canvas': '#121917',
    '--fw-line': '#2a3431',
    // Also the asterisk of what is required.
    '--mantine-color-error': 'var(--mantine-color-red-4)',
    '--mantine-color-anchor': 'var(--mantine-color-lagoon-4)',
    '--mantine-primary-color-light': 'var(--mantine-color-lagoon-light)',
    '--mantine-primary-color-light-hover': 'var(--mantine-color-lagoon-light-hover)',
    '--mantine-primary-color-light-color': 'var(--mantine-color-lagoon-light-color)',
  },
})

/** The key that public/color-scheme.js reads before the first paint. */
export const colorSchemeManager = localStorageColorSchemeManager({ key: 'fairway-color-scheme' })
