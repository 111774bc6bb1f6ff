import { Box, Text } from '@mantine/core'
import { NavigationLink } from '../components/links.tsx'
import { destinations, groups } from './destinations.ts'
import classes from './shell.module.css'

export function Navigation({ project, onNavigate }: { project: string; onNavigate: () => void }) {
  return (
    <nav aria-label="Project">
      {groups.map((group) => (
        <Box key={group.keys[0]} mb="sm">
          {group.label && (
            <Text size="xs" fw={600} c="dimmed" px="sm" py={6}>
              {group.label}
            </Text>
          )}
          {destinations
            .filter(({ key }) => (group.keys as readonly string[]).includes(key))
            .map(({ to, label, icon: Icon }) => (
              <NavigationLink
                key={to}
                to={to}
                params={{ project }}
                activeOptions={{ includeSearch: false }}
                activeProps={{ active: true, 'aria-current': 'page' }}
                label={label}
                leftSection={<Icon size={18} stroke={1.7} aria-hidden />}
                className={classes.navLink}
                onClick={onNavigate}
              />
            ))}
        </Box>
      ))}
    </nav>
  )
}
