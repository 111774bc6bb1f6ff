import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconCloudOff, IconRefresh } from '@tabler/icons-react'
import { ApiError, ConnectionError } from '../api/client.ts'

interface ErrorStateProps {
  error: Error
  /** What could not be done: "The people could not be loaded". */
  title: string
  onRetry?: () => void
  retrying?: boolean
}

/** A failed page or part of a page: what failed, why, and a way to try again. */
export function ErrorState({ error, title, onRetry, retrying }: ErrorStateProps) {
  const offline = error instanceof ConnectionError
  return (
    <Alert
      role="alert"
      color={offline ? 'buoy' : 'red'}
      variant="light"
      title={title}
      icon={offline ? <IconCloudOff aria-hidden /> : <IconAlertTriangle aria-hidden />}
    >
      <Stack gap="sm" align="flex-start">
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {error.message}
        </Text>
        <Group gap="sm">
          {onRetry && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconRefresh size={14} aria-hidden />}
              loading={retrying}
              onClick={onRetry}
            >
              Try again
            </Button>
          )}
        </Group>
        {error instanceof ApiError && (
          <Text component="details" size="xs" c="dimmed">
            <summary>For whoever looks after the server</summary>
            <Code>
              {error.status} {error.code}
            </Code>
          </Text>
        )}
      </Stack>
    </Alert>
  )
}
