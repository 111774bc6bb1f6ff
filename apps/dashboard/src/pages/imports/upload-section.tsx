import type { Import } from '@fairway/api'
import { Alert, Group, Progress, Stack, Text } from '@mantine/core'
import { IconCloudOff } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { startUpload, type Upload, useUpload } from '../../api/uploads.ts'
import { ErrorState } from '../../components/error-state.tsx'
import { FileDrop } from '../../components/file-drop.tsx'
import { Section } from '../../components/section.tsx'
import { formatBytes } from '../../lib/format.ts'

/** The file on its way; after a break, the way to go on where it stopped. */
export function UploadSection({ project, data }: { project: string; data: Import }) {
  const upload = useUpload(project, data.id)
  const client = useQueryClient()
  const start = (file: File) =>
    void startUpload(project, data, file, () => client.invalidateQueries({ queryKey: [project, 'imports'] }))
  if (upload?.error)
    return <ErrorState title="The upload stopped" error={upload.error} onRetry={() => start(upload.file)} />
  if (upload) return <Sending upload={upload} />
  return (
    <Section
      title="Go on with the upload"
      description={
        data.offset > 0
          ? `${formatBytes(data.offset)} are here. Choose the same file, and the rest follows.`
          : 'Choose the file.'
      }
    >
      <FileDrop
        label="Drop the file here, or choose it"
        description="The same file as before, unchanged."
        file={undefined}
        onChange={start}
      />
    </Section>
  )
}

function Sending({ upload: { file, sent, waiting } }: { upload: Upload }) {
  const share = file.size > 0 ? (sent / file.size) * 100 : 100
  return (
    <Section
      title="Uploading"
      description="Keep the console open. Other pages of it can be looked at meanwhile."
    >
      <Stack gap="xs">
        <Progress value={share} animated={!waiting} size="lg" aria-label={`Upload of ${file.name}`} />
        <Group justify="space-between">
          <Text size="sm" c="dimmed" role="status">
            {formatBytes(sent)} of {formatBytes(file.size)}
          </Text>
          <Text size="sm" c="dimmed">
            {Math.floor(share)} %
          </Text>
        </Group>
        {waiting && (
          <Alert color="buoy" icon={<IconCloudOff aria-hidden />}>
            The server did not answer. The upload goes on by itself where it stopped.
          </Alert>
        )}
      </Stack>
    </Section>
  )
}
