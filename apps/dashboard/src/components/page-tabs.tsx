import { Group } from '@mantine/core'
import { createLink, type LinkProps } from '@tanstack/react-router'
import classes from './page-tabs.module.css'

const TabLink = createLink((props: React.ComponentProps<'a'>) => <a {...props} className={classes.tab} />)

interface PageTabsProps {
  label: string
  project: string
  tabs: { label: string; to: LinkProps['to'] }[]
}

/** Pages that belong together, as links beside each other. */
export function PageTabs({ label, project, tabs }: PageTabsProps) {
  return (
    <Group component="nav" aria-label={label} gap="lg" mb="lg" className={classes.tabs}>
      {tabs.map((tab) => (
        <TabLink
          key={tab.label}
          to={tab.to}
          params={{ project } as never}
          activeOptions={{ exact: true, includeSearch: false }}
          activeProps={{ 'aria-current': 'page' }}
        >
          {tab.label}
        </TabLink>
      ))}
    </Group>
  )
}
