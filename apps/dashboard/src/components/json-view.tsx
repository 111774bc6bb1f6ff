import classes from './code-block.module.css'
import { CodeBlock } from './code-block.tsx'

const tokens = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** Any JSON, indented and coloured, with a button that copies it. */
export function JsonView({
  value,
  label,
  maxHeight = 420,
}: {
  value: unknown
  label: string
  maxHeight?: number | string
}) {
  const code = JSON.stringify(value, null, 2) ?? 'null'
  return (
    <CodeBlock code={code} label={label} maxHeight={maxHeight}>
      {colour(code)}
    </CodeBlock>
  )
}

function colour(code: string): React.ReactNode[] {
  const parts: React.ReactNode[] = []
  let end = 0
  for (const match of code.matchAll(tokens)) {
    const [whole, string, colon] = match
    const shown = string ?? whole
    parts.push(code.slice(end, match.index))
    parts.push(
      <span key={match.index} className={colon ? classes.key : string ? classes.string : classes.literal}>
        {shown}
      </span>,
    )
    end = match.index + shown.length
  }
  parts.push(code.slice(end))
  return parts
}
