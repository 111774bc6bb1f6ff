import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import ts from 'typescript'

export type ImportGraph = Map<string, Set<string>>

/** Which file imports which, types included, by their paths below `folder`. */
export function importsOf(folder: string): ImportGraph {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.tsx?$/.test(name),
  )
  return new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(join(folder, file), 'utf8'))
      const local = importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
      const paths = local.map(({ fileName }) =>
        relative(folder, resolve(join(folder, file), '..', fileName)).replace(/\.js$/, '.ts'),
      )
      return [file, new Set(paths)]
    }),
  )
}

/** The same between groups of files. */
export function grouped(imports: ImportGraph, groupOf: (file: string) => string): ImportGraph {
  const groups: ImportGraph = new Map()
  for (const [file, targets] of imports)
    for (const target of targets) {
      const [from, to] = [groupOf(file), groupOf(target)]
      if (from !== to) groups.set(from, (groups.get(from) ?? new Set()).add(to))
    }
  return groups
}

/** The imports for which `levelOf` gives the target a lower number than the file that imports it. */
export function upwardIn(imports: ImportGraph, levelOf: (file: string) => number): string[] {
  return [...imports].flatMap(([file, targets]) =>
    [...targets].filter((target) => levelOf(target) < levelOf(file)).map((target) => `${file} > ${target}`),
  )
}

/** The first circle that is found, as `a > b > a`. */
export function circleIn(graph: ImportGraph): string | undefined {
  const done = new Set<string>()
  const walk = (node: string, path: string[]): string | undefined => {
    const at = path.indexOf(node)
    if (at >= 0) return [...path.slice(at), node].join(' > ')
    if (done.has(node)) return undefined
    for (const next of graph.get(node) ?? []) {
      const circle = walk(next, [...path, node])
      if (circle) return circle
    }
    done.add(node)
    return undefined
  }
  for (const node of graph.keys()) {
    const circle = walk(node, [])
    if (circle) return circle
  }
  return undefined
}
