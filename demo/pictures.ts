import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Frames are a second apart in reality; a reader has less patience. */
const frameSeconds = 0.5
const fontPx = 14
const lineHeight = 20
const padding = 20
/** Of a monospaced letter to its height. */
const letterWidth = 0.602

/** The texts one after the other, as an SVG that moves by itself, without scripts. */
export function animate(frames: string[]): string {
  const lines = frames.map((frame) => frame.split('\n'))
  const columns = Math.max(...lines.flat().map((line) => line.length))
  const width = Math.ceil(columns * fontPx * letterWidth) + 2 * padding
  const height = Math.max(...lines.map((frame) => frame.length)) * lineHeight + 2 * padding
  const drawn = lines.map((frame, index) =>
    frame
      .map(
        (line, row) =>
          `<text x="${index * width + padding}" y="${padding + fontPx + row * lineHeight}" textLength="${Math.round(line.length * fontPx * letterWidth)}">${escaped(line)}</text>`,
      )
      .join(''),
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Three projects on one server; one floods, the others stay fast">
<style>
text { font: ${fontPx}px ui-monospace, Menlo, Consolas, monospace; fill: #d8dee9; white-space: pre }
.reel { animation: reel ${frames.length * frameSeconds}s steps(${frames.length}) infinite }
@keyframes reel { to { transform: translateX(-${frames.length * width}px) } }
@media (prefers-reduced-motion: reduce) { .reel { animation: none; transform: translateX(-${(frames.length - 1) * width}px) } }
</style>
<rect width="${width}" height="${height}" rx="8" fill="#1b1f27"/>
<g class="reel">${drawn.join('\n')}</g>
</svg>
`
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Writes the pictures that the README shows: what the demo printed, and two of the console's pages. */
export async function takePictures(
  folder: string,
  { frames, signInLink, pages }: { frames: string[]; signInLink: string; pages: Record<string, string> },
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'demo.svg'), animate(frames))
  const { chromium } = await import('playwright-core')
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  try {
    const context = await browser.newContext({
      viewport: { width: 1_280, height: 800 },
      colorScheme: 'light',
    })
    const page = await context.newPage()
    await page.goto(signInLink)
    for (const [name, url] of Object.entries(pages)) {
      // Live pages are never without a request under way.
      await page.goto(url, { waitUntil: 'load' })
      await page.waitForTimeout(3_000)
      await page.screenshot({ path: join(folder, `${name}.png`) })
    }
  } finally {
    await browser.close()
  }
}
