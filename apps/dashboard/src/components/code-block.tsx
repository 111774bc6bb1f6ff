import { Box } from '@mantine/core'
import classes from './code-block.module.css'
import { CopyButton } from './copy-button.tsx'

interface CodeBlockProps {
  /** What is copied, and shown unless `children` show it coloured. */
  code: string
  label: string
  children?: React.ReactNode
  maxHeight?: number | string
}

export function CodeBlock({ code, label, children, maxHeight }: CodeBlockProps) {
  return (
    <Box className={classes.block}>
      <Box className={classes.copy}>
        <CopyButton value={code} label={`Copy ${label}`} />
      </Box>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <pre className={classes.code} style={{ maxHeight }} tabIndex={0}>
        {children ?? code}
      </pre>
    </Box>
  )
}
