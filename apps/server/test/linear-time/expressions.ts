import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** A regular expression of the sources. */
export interface Expression {
  /** From the root of the repository, without the line, which every other change moves. */
  file: string
  line: number
  source: string
  flags: string
}

const root = fileURLToPath(new URL('../../../..', import.meta.url))

/** What is executed on the server. The console's code runs in the browser of who typed the text. */
const served = ['apps/server/src', 'apps/server/bin', 'packages/queue/src', 'scripts']

/** What stands in for `${name}` in expressions that are put together. */
type Holes = Record<string, string[]>

/**
 * Every regular expression that the server's own sources hold: literals, `RegExp(…)` of a text, `pattern` of a schema, and
 * texts given to `match` and its kin, which make expressions of them.
 *
 * @throws {Error} for an expression that can't be known without running the program: write it as a literal
 */
export function expressionsOfSources(holes: Holes = {}): Expression[] {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...served], {
    cwd: root,
    encoding: 'utf8',
  })
  return files
    .split('\n')
    .filter((file) => /\.m?[jt]s$/.test(file) && ts.sys.fileExists(root + file))
    .flatMap((file) => expressionsOf(file, readFileSync(root + file, 'utf8'), holes))
}

export function expressionsOf(file: string, text: string, holes: Holes = {}): Expression[] {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found: Expression[] = []
  const add = (node: ts.Node, sources: string[], flags: string) => {
    const line = tree.getLineAndCharacterOfPosition(node.getStart()).line + 1
    for (const source of sources) found.push({ file, line, source, flags })
  }
  const textsOf = (node: ts.Expression) => {
    const texts = possibleTexts(node, holes)
    if (texts) return texts
    throw new Error(`${file}: ${node.getText()} makes an expression that nothing can judge; write a literal`)
  }
  const visit = (node: ts.Node) => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/')
      add(node, [node.text.slice(1, end)], node.text.slice(end + 1))
    } else if (ts.isNewExpression(node) || ts.isCallExpression(node)) {
      const [first, second] = node.arguments ?? []
      if (first && isRegExp(node.expression) && !ts.isRegularExpressionLiteral(first))
        add(node, textsOf(first), second ? textsOf(second)[0]! : '')
      else if (first && ts.isStringLiteralLike(first) && isMatcher(node.expression))
        add(node, [first.text], '')
    } else if (ts.isPropertyAssignment(node) && node.name.getText() === 'pattern') {
      if (ts.isStringLiteralLike(node.initializer)) add(node, [node.initializer.text], 'u')
      else if (!isSource(node.initializer)) textsOf(node.initializer)
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

const isRegExp = (node: ts.Expression) => ts.isIdentifier(node) && node.text === 'RegExp'

const isMatcher = (node: ts.Expression) =>
  ts.isPropertyAccessExpression(node) && ['match', 'matchAll', 'search'].includes(node.name.text)

/** `shape.source`: the literal is judged where it stands. */
const isSource = (node: ts.Expression) => ts.isPropertyAccessExpression(node) && node.name.text === 'source'

function possibleTexts(node: ts.Expression, holes: Holes): string[] | undefined {
  if (ts.isStringLiteralLike(node)) return [node.text]
  if (!ts.isTemplateExpression(node)) return undefined
  const names = new Set(node.templateSpans.map(({ expression }) => expression.getText()))
  if (names.size !== 1) return undefined
  return holes[[...names][0]!]?.map(
    (value) => node.head.text + node.templateSpans.map(({ literal }) => value + literal.text).join(''),
  )
}

/** One expression may stand in several places. */
export const distinct = (expressions: Expression[]) => [
  ...new Map(
    expressions.map((expression) => [`${expression.source}/${expression.flags}`, expression]),
  ).values(),
]
