import { AppShell, Box, Burger, Group, ScrollArea, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useSuspenseQuery } from '@tanstack/react-query'
import { getRouteApi, Outlet, useLocation } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { projectsQuery } from '../api/session.ts'
import { SignedOutNote } from '../components/signed-out-note.tsx'
import { rememberProject } from '../lib/last-project.ts'
import { AccountMenu } from './account-menu.tsx'
import { ColorSchemeMenu } from './color-scheme-menu.tsx'
import { Logo } from './logo.tsx'
import { Navigation } from './navigation.tsx'
import { ModeBadge, ProjectSwitcher } from './project-switcher.tsx'
import { NotFoundPage } from './route-states.tsx'
import classes from './shell.module.css'
import { ShortcutsDialog, useShortcuts } from './shortcuts.tsx'
import { StaleNote } from './stale-note.tsx'
import { useSessionGuard } from './use-session-guard.ts'

const route = getRouteApi('/signed-in/projects/$project')

/** Navigation on the left (behind a button on phones), the page on the right. */
export function ConsoleLayout() {
  const { project: id } = route.useParams()
  const projects = useSuspenseQuery(projectsQuery).data
  const project = projects.find((candidate) => String(candidate.id) === id)
  const [menuOpened, menu] = useDisclosure(false)
  const [helpOpened, help] = useDisclosure(false)
  const main = useFocusOnNavigation()
  useShortcuts(id, help.open)
  useSessionGuard()
  useEffect(() => rememberProject(id), [id])

  if (!project) return <NotFoundPage />
  return (
    <>
      <a className={classes.skip} href="#main">
        Skip to the content
      </a>
      <AppShell
        layout="alt"
        padding={{ base: 'md', sm: 'xl' }}
        header={{ height: { base: 56, sm: 0 } }}
        navbar={{ width: 248, breakpoint: 'sm', collapsed: { mobile: !menuOpened } }}
      >
        <AppShell.Header hiddenFrom="sm">
          <Group h="100%" px="md" justify="space-between" wrap="nowrap">
            <Group gap="sm" wrap="nowrap" miw={0}>
              <Burger opened={menuOpened} onClick={menu.toggle} size="sm" aria-label="Open the navigation" />
              <Text fw={650} truncate>
                {project.name}
              </Text>
            </Group>
            <ModeBadge mode={project.mode} />
          </Group>
        </AppShell.Header>

        <AppShell.Navbar p="md">
          <AppShell.Section mb="md">
            <Group justify="space-between" mb="md">
              <Group gap={10}>
                <Logo />
                <Text fw={700} fz="lg" style={{ letterSpacing: '-0.02em' }}>
                  Fairway
                </Text>
              </Group>
              <Burger
                opened
                onClick={menu.close}
                size="sm"
                hiddenFrom="sm"
                aria-label="Close the navigation"
              />
            </Group>
            <ProjectSwitcher current={project} projects={projects} />
          </AppShell.Section>
          <AppShell.Section grow component={ScrollArea} type="hover" scrollbarSize={6} mx={-6} px={6}>
            <Navigation project={id} onNavigate={menu.close} />
          </AppShell.Section>
          <AppShell.Section>
            <Group justify="space-between" wrap="nowrap" gap={4}>
              <AccountMenu onShowShortcuts={help.open} />
              <ColorSchemeMenu />
            </Group>
          </AppShell.Section>
        </AppShell.Navbar>

        <AppShell.Main id="main" ref={main} tabIndex={-1} className={classes.main}>
          <Box className={classes.content}>
            <div className={classes.notes}>
              <SignedOutNote className={classes.note} />
              <StaleNote project={id} />
            </div>
            <Outlet />
          </Box>
        </AppShell.Main>
      </AppShell>
      <ShortcutsDialog opened={helpOpened} onClose={help.close} />
    </>
  )
}

/** A new page starts at its beginning for the keyboard and for screen readers too. */
function useFocusOnNavigation() {
  const main = useRef<HTMLElement>(null)
  const { pathname } = useLocation()
  const shown = useRef(pathname)
  useEffect(() => {
    if (shown.current === pathname) return
    shown.current = pathname
    main.current?.focus({ preventScroll: true })
  }, [pathname])
  return main
}
