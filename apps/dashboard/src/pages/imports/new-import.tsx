import type { ImportKind, ImportSource } from '@fairway/api'
import {
  Button,
  Group,
  Radio,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useCreateImport } from '../../api/imports.ts'
import { startUpload } from '../../api/uploads.ts'
import { BackLink } from '../../components/back-link.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { FileDrop } from '../../components/file-drop.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { Section } from '../../components/section.tsx'
import { fieldError } from '../../lib/field-error.ts'
import { useRefusal } from '../../lib/use-refusal.ts'
import { kindWords, sources } from './import-words.ts'

const route = getRouteApi('/signed-in/projects/$project/imports/new')

type Origin = '' | ImportSource

const origins: { value: Origin; label: string }[] = [
  { value: '', label: 'Anywhere: CSV, TSV or JSON lines' },
  ...sources.map(({ value, label }) => ({ value, label: `An export of ${label}` })),
]

export function NewImportPage() {
  const { project } = route.useParams()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [kind, setKind] = useState<ImportKind>('people')
  const [origin, setOrigin] = useState<Origin>('')
  const [way, setWay] = useState('file')
  const [file, setFile] = useState<File>()
  const [url, setUrl] = useState('')
  const create = useCreateImport(project)
  const byFile = way === 'file'
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    create.mutate(
      { kind, ...(origin && { from: origin }), ...(byFile ? { name: file!.name } : { url: url.trim() }) },
      {
        onSuccess: (created) => {
          if (byFile)
            void startUpload(project, created, file!, () =>
              client.invalidateQueries({ queryKey: [project, 'imports'] }),
            )
          void navigate({
            to: '/projects/$project/imports/$import',
            params: { project, import: String(created.id) },
          })
        },
      },
    )
  }
  const form = useRefusal('Could not make the import', create.error)
  const wrongUrl = fieldError(create.error, 'url')
  return (
    <>
      <BackLink to="/projects/$project/imports" params={{ project }}>
        Imports
      </BackLink>
      <PageHeader
        title="New import"
        description="First the file is uploaded and shown; nothing is imported until you start it."
      />
      <form ref={form} onSubmit={submit}>
        <Stack gap="lg">
          <Section title="What is in it">
            <Stack>
              <KindChoice value={kind} onChange={setKind} />
              <Select
                label="Where it comes from"
                description="Columns of a known origin are matched by themselves; most are known by their columns."
                data={origins}
                value={origin}
                onChange={(value) => setOrigin(value as Origin)}
                maw={420}
              />
            </Stack>
          </Section>
          <Section title="The file">
            <Stack>
              <div>
                <SegmentedControl
                  aria-label="How the file gets here"
                  data={[
                    { value: 'file', label: 'Upload a file' },
                    { value: 'url', label: 'Fetch from an address' },
                  ]}
                  value={way}
                  onChange={setWay}
                />
              </div>
              {byFile ? (
                <FileDrop
                  label="Drop a file here, or choose one"
                  description="CSV, TSV or JSON lines; also as .gz or .zip. Up to 5 GB."
                  file={file}
                  onChange={setFile}
                  error={file?.size === 0 ? 'This file is empty; choose another one.' : undefined}
                />
              ) : (
                <TextInput
                  label="Address"
                  description="https://, also one that is signed. The server fetches it; what signs it is never shown again."
                  placeholder="https://files.example.com/people.csv"
                  type="url"
                  required
                  value={url}
                  onChange={(event) => setUrl(event.currentTarget.value)}
                  error={wrongUrl}
                />
              )}
            </Stack>
          </Section>
          {create.error && !wrongUrl && <ErrorState title="Could not begin" error={create.error} />}
          <Group>
            <Button
              type="submit"
              loading={create.isPending}
              disabled={byFile ? !file || file.size === 0 : url.trim() === ''}
            >
              {byFile ? 'Upload' : 'Fetch'}
            </Button>
            <Text size="sm" c="dimmed">
              Next: which column is what.
            </Text>
          </Group>
        </Stack>
      </form>
    </>
  )
}

function KindChoice({ value, onChange }: { value: ImportKind; onChange: (kind: ImportKind) => void }) {
  return (
    <Radio.Group
      label="Rows are"
      value={value}
      onChange={(kind) => onChange(kind as ImportKind)}
      styles={{ label: { marginBottom: 8 } }}
    >
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="sm" verticalSpacing="sm">
        {kindWords.map(({ kind, label, description }) => (
          <Radio.Card
            key={kind}
            value={kind}
            p="sm"
            radius="md"
            display="flex"
            style={{ alignItems: 'start' }}
          >
            <Group wrap="nowrap" align="flex-start" gap="sm">
              <Radio.Indicator mt={2} />
              <div>
                <Text fw={600} size="sm">
                  {label}
                </Text>
                <Text size="sm" c="dimmed">
                  {description}
                </Text>
              </div>
            </Group>
          </Radio.Card>
        ))}
      </SimpleGrid>
    </Radio.Group>
  )
}
