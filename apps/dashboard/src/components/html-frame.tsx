import { SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import classes from './html-frame.module.css'

const widths = [
  { value: 'desktop', label: 'Desktop' },
  { value: 'phone', label: 'Phone' },
]

interface HtmlFrameProps {
  /** Where the server serves it under a policy of its own, or the HTML itself. */
  source: { src: string } | { srcDoc: string }
  title: string
}

/** Foreign HTML in a frame that may do nothing: no scripts, no forms, no access to the console. Pictures do load. */
export function HtmlFrame({ source, title }: HtmlFrameProps) {
  const [width, setWidth] = useState('desktop')
  return (
    <>
      <SegmentedControl
        size="xs"
        mb="sm"
        data={widths}
        value={width}
        onChange={setWidth}
        aria-label="Width"
      />
      <div className={classes.stage}>
        <iframe
          title={title}
          sandbox="allow-popups"
          referrerPolicy="no-referrer"
          {...source}
          className={classes.frame}
          data-phone={width === 'phone' || undefined}
        />
      </div>
    </>
  )
}
