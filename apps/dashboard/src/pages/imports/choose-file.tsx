import type { Import } from '@fairway/api'
import { Button, Group, Select } from '@mantine/core'
import { useState } from 'react'
import { useReadAgain } from '../../api/imports.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { Section } from '../../components/section.tsx'

/** An archive of several files: each is an import of its own. */
export function ChooseFile({ project, data }: { project: string; data: Import }) {
  const [file, setFile] = useState(data.given.file ?? data.files[0]!)
  const again = useReadAgain(project, String(data.id))
  return (
    <Section
      title="Which file of the archive"
      description="An import is of one file. For the others, make an import each."
    >
      <Group align="flex-end">
        <Select
          label="File"
          w={360}
          searchable
          data={data.files}
          value={data.files.includes(file) ? file : null}
          onChange={(chosen) => chosen && setFile(chosen)}
        />
        <Button loading={again.isPending} onClick={() => again.mutate({ file })}>
          Read this file
        </Button>
      </Group>
      {again.error && <ErrorState title="The file can’t be read" error={again.error} />}
    </Section>
  )
}
