import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A fenced block of a document, as its reader sees it. */
export interface Snippet {
  file: string
  /** Of the fence. */
  line: number
  /** First word behind the fence; empty for drawings. */
  language: string
  text: string
  /**
   * What stands in a comment right above it, `<!-- snippet: … -->`: `not run, REASON`, or what a block of JSON is, see
   * run.ts. Nobody sees it in the rendered page.
   */
  note: string | undefined
  /** Right behind another block: of JSON, what that one printed. */
  follows: boolean
}

/** Every document that people read: the front page, and everything below docs/; of the whole, or of a package (`packages/queue/`). */
export function documents(of = ''): string[] {
  const folder = join(root, of, 'docs')
  const below = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []
  const docs = below.filter((file) => file.endsWith('.md')).map((file) => `docs/${file}`)
  return ['README.md', ...docs].map((file) => of + file).sort()
}

const comment = /^<!-- snippet: (.*) -->$/

export function snippetsOf(file: string): Snippet[] {
  const snippets: Snippet[] = []
  let open: Snippet | undefined
  let above: string[] = []
  for (const [i, line] of readFileSync(join(root, file), 'utf8').split('\n').entries()) {
    const fence = line.startsWith('```')
    if (open && fence) {
      snippets.push(open)
      open = undefined
      above = ['```']
    } else if (open) open.text += `${line}\n`
    else if (fence) {
      const last = above.filter((text) => text !== '').at(-1) ?? ''
      open = {
        file,
        line: i + 1,
        language: /^```(\w*)/.exec(line)![1]!,
        text: '',
        note: comment.exec(last)?.[1],
        follows: last === '```',
      }
    } else above.push(line)
  }
  return snippets
}

export const nameOf = ({ file, line, language }: Snippet) => `${file}:${line} ${language}`
