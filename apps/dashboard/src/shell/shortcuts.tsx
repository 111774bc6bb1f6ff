import { Group, Kbd, Stack, Table, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { Dialog } from '../components/dialog.tsx'
import { destinations } from './destinations.ts'

const sequenceMs = 1200

interface Actions {
  search: () => void
  help: () => void
  go: (letter: string) => void
}

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
    Boolean(target.closest('[role=dialog]')))

const focusSearch = () => document.querySelector<HTMLInputElement>('[data-page-search]')?.focus()

/** `/` the page's search, `?` help, `g` and a letter a page. Never while typing, never with a modifier. */
export function useShortcuts(project: string, openHelp: () => void) {
  const navigate = useNavigate()
  const actions = useRef<Actions>(null!)
  actions.current = {
    search: focusSearch,
    help: openHelp,
    go: (letter) => {
      const destination = destinations.find(({ key }) => key === letter)
      if (destination) navigate({ to: destination.to, params: { project } })
    },
  }
  useEffect(() => listen(actions), [])
}

function listen(actions: React.RefObject<Actions>) {
  let goUntil = 0
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    const going = event.timeStamp < goUntil
    goUntil = 0
    if (going) actions.current.go(event.key)
    else if (event.key === '/') actions.current.search()
    else if (event.key === '?') actions.current.help()
    else if (event.key === 'g') goUntil = event.timeStamp + sequenceMs
    else return
    event.preventDefault()
  }
  document.addEventListener('keydown', onKeyDown)
  return () => document.removeEventListener('keydown', onKeyDown)
}

const others: [string[], string][] = [
  [['/'], 'Search on this page'],
  [['?'], 'This help'],
  [['Esc'], 'Close or clear'],
]

export function ShortcutsDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const rows: [string[], string][] = [
    ...others,
    ...destinations.map(({ key, label }): [string[], string] => [['g', key], label]),
  ]
  return (
    <Dialog opened={opened} onClose={onClose} title="Keyboard shortcuts">
      <Stack gap="md">
        <Table verticalSpacing={6} withRowBorders={false} aria-label="Keyboard shortcuts">
          <Table.Tbody>
            {rows.map(([keys, label]) => (
              <Table.Tr key={label}>
                <Table.Td>{label}</Table.Td>
                <Table.Td ta="right">
                  <Group gap={4} justify="flex-end">
                    {keys.map((key) => (
                      <Kbd key={key}>{key}</Kbd>
                    ))}
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Text size="sm" c="dimmed">
          Press the keys one after the other. They do nothing while you type.
        </Text>
      </Stack>
    </Dialog>
  )
}
