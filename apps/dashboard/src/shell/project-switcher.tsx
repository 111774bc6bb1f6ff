import type { ListedProject } from '@fairway/api'
import { Badge, Box, Group, Menu, Text, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconCheck, IconPlus, IconSelector } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useOrganizationsForProjects } from '../api/rights.ts'
import { NewProjectDialog } from './new-project-dialog.tsx'
import classes from './shell.module.css'

/** The mode is always in sight: nobody should wonder whether mail really leaves. */
export const ModeBadge = ({ mode }: { mode: ListedProject['mode'] }) => (
  <Badge size="xs" variant="light" color={mode === 'live' ? 'lagoon' : 'yellow'} style={{ flexShrink: 0 }}>
    {mode}
  </Badge>
)

export function ProjectSwitcher({
  current,
  projects,
}: {
  current: ListedProject
  projects: ListedProject[]
}) {
  const navigate = useNavigate()
  const mayCreate = useOrganizationsForProjects().length > 0
  const [creating, dialog] = useDisclosure(false)
  const choose = (project: string) => navigate({ to: '/projects/$project/overview', params: { project } })
  return (
    <>
      <Menu width={260} position="bottom-start">
        <Menu.Target>
          <UnstyledButton className={classes.switcher}>
            <Group gap="xs" wrap="nowrap" justify="space-between">
              <Box miw={0}>
                <VisuallyHidden>Switch project, now:</VisuallyHidden>
                <Text fw={600} size="sm" truncate>
                  {current.name}
                </Text>
                <Text size="xs" c="dimmed" truncate>
                  {current.organization?.name ?? 'This installation'}
                </Text>
              </Box>
              <Group gap={6} wrap="nowrap" style={{ flexShrink: 0 }}>
                <ModeBadge mode={current.mode} />
                <IconSelector size={16} aria-hidden />
              </Group>
            </Group>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Projects</Menu.Label>
          <Box className={classes.projects}>
            {projects.map((project) => (
              <Menu.Item
                key={project.id}
                onClick={() => choose(String(project.id))}
                rightSection={
                  project.id === current.id ? (
                    <IconCheck size={16} aria-label="chosen" />
                  ) : (
                    <ModeBadge mode={project.mode} />
                  )
                }
              >
                {project.name}
              </Menu.Item>
            ))}
          </Box>
          {mayCreate && (
            <>
              <Menu.Divider />
              <Menu.Item leftSection={<IconPlus size={16} aria-hidden />} onClick={dialog.open}>
                New project
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      <NewProjectDialog opened={creating} onClose={dialog.close} />
    </>
  )
}
