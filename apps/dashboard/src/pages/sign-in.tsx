import {
  Alert,
  Box,
  Button,
  Card,
  Center,
  Divider,
  Group,
  PasswordInput,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core'
import { IconTerminal2 } from '@tabler/icons-react'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import { useSignIn } from '../api/session.ts'
import { CodeBlock } from '../components/code-block.tsx'
import { ErrorState } from '../components/error-state.tsx'
import { usePageTitle } from '../lib/use-page-title.ts'
import { ColorSchemeMenu } from '../shell/color-scheme-menu.tsx'
import { Logo } from '../shell/logo.tsx'

const route = getRouteApi('/sign-in')

export function SignInPage() {
  usePageTitle('Sign in')
  const { error } = route.useSearch()
  return (
    <Center component="main" mih="100dvh" p="md" bg="var(--fw-canvas)">
      <Stack w="100%" maw={440} gap="lg">
        <Group justify="space-between">
          <Group gap="sm">
            <Logo size={36} />
            <Text fw={700} fz={22} style={{ letterSpacing: '-0.02em' }}>
              Fairway
            </Text>
          </Group>
          <ColorSchemeMenu />
        </Group>
        {error && (
          <Alert color="buoy" title="That link did not work" role="alert">
            A sign-in link works once and only for a short time. Make a new one as described below.
          </Alert>
        )}
        <Card padding="xl">
          <Title order={1} fz="h1" mb="xs">
            Sign in
          </Title>
          <OneTimeLink />
          <Divider my="lg" label="or with a password" />
          <PasswordForm />
        </Card>
      </Stack>
    </Center>
  )
}

function OneTimeLink() {
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        Fairway prints a one-time sign-in link in the terminal when it starts. Open it, and you are in. For
        another one, run this on the machine where Fairway runs:
      </Text>
      <CodeBlock code="npx fairway sign-in-link" label="the command for a sign-in link" />
      <Group gap={6} wrap="nowrap" align="flex-start" c="dimmed">
        <Box pt={2}>
          <IconTerminal2 size={16} aria-hidden />
        </Box>
        <Text size="xs">
          Whoever can read that terminal owns the installation, so no password is needed there.
        </Text>
      </Group>
    </Stack>
  )
}

function PasswordForm() {
  const search = route.useSearch()
  const router = useRouter()
  const signIn = useSignIn()
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')

  const submit = async (event: React.FormEvent) => {
    event.preventDefault()
    await signIn.mutateAsync({ email, password })
    router.history.push(localPath(search.redirect))
  }
  return (
    <form onSubmit={(event) => submit(event).catch(() => undefined)}>
      <Stack gap="sm">
        <TextInput
          label="Email"
          type="email"
          autoComplete="username"
          required
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {signIn.error && <ErrorState title="Could not sign in" error={signIn.error} />}
        <Button type="submit" fullWidth mt="xs" loading={signIn.isPending}>
          Sign in
        </Button>
      </Stack>
    </form>
  )
}

/** Only a path of this console: an address given in a link must not lead elsewhere after the sign-in. */
const localPath = (path: string | undefined) => (path && /^\/(?![/\\])/.test(path) ? path : '/')
