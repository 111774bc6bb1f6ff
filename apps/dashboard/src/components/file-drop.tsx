import { Text } from '@mantine/core'
import { IconFileUpload } from '@tabler/icons-react'
import { useId, useState } from 'react'
import { formatBytes } from '../lib/format.ts'
import classes from './file-drop.module.css'

interface FileDropProps {
  label: string
  description: string
  file: File | undefined
  onChange: (file: File) => void
  error?: string
}

/** A file chosen by a click, by the keyboard, or dropped. */
export function FileDrop({ label, description, file, onChange, error }: FileDropProps) {
  const id = useId()
  const [over, setOver] = useState(false)
  const drop = (event: React.DragEvent) => {
    event.preventDefault()
    setOver(false)
    const [dropped] = event.dataTransfer.files
    if (dropped) onChange(dropped)
  }
  return (
    <label
      className={classes.drop}
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <input
        type="file"
        className={classes.input}
        aria-label={label}
        aria-describedby={id}
        onChange={(event) => {
          const [chosen] = event.currentTarget.files ?? []
          if (chosen) onChange(chosen)
        }}
      />
      <IconFileUpload size={30} stroke={1.5} aria-hidden />
      <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
        {file ? file.name : label}
      </Text>
      <Text size="sm" c="dimmed" id={id}>
        {file ? `${formatBytes(file.size)} · click to choose another` : description}
      </Text>
      {error && (
        <Text size="sm" c="red" role="alert">
          {error}
        </Text>
      )}
    </label>
  )
}
