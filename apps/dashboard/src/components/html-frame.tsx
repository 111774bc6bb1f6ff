import { Group, SegmentedControl, Text } from '@mantine/core'
import { useState } from 'react'
import classes from './html-frame.module.css'

const widths = [
  { value: 'desktop', label: 'Desktop' },
  { value: 'phone', label: 'Phone' },
]

/** Foreign HTML in a frame that may do nothing: no scripts, no forms, no access to the console, no remote content. */
export function HtmlFrame({ html, title }: { html: string; title: string }) {
  const [width, setWidth] = useState('desktop')
  return (
    <>
      <Group justify="space-between" mb="sm" gap="xs">
        <SegmentedControl size="xs" data={widths} value={width} onChange={setWidth} aria-label="Width" />
        <Text size="xs" c="dimmed">
          Remote images are not loaded here.
        </Text>
      </Group>
      <div className={classes.stage}>
        <iframe
          title={title}
          sandbox=""
          referrerPolicy="no-referrer"
          srcDoc={html}
          className={classes.frame}
          data-phone={width === 'phone' || undefined}
        />
      </div>
    </>
  )
}
