import { Alert, Group } from '@mantine/core'
import { IconMailForward } from '@tabler/icons-react'
import { useTemplateUsers } from '../../api/templates.ts'
import { AnchorLink } from '../../components/links.tsx'

/** Told before anybody saves: what they change is what people get. */
export function UsedBy({ project, id }: { project: string; id: number }) {
  const users = useTemplateUsers(project, id).data ?? []
  if (users.length === 0) return null
  const live = users.some(({ state }) => state === 'live')
  return (
    <Alert
      mb="md"
      color={live ? 'buoy' : 'gray'}
      icon={<IconMailForward aria-hidden />}
      title={live ? 'Saving changes what people get from now on' : 'Used by campaigns that are not live'}
    >
      <Group gap="sm">
        Used by:
        {users.map((user) => (
          <AnchorLink
            key={user.id}
            size="sm"
            to="/projects/$project/campaigns/$campaign"
            params={{ project, campaign: String(user.id) }}
          >
            {`${user.name} (${user.state})`}
          </AnchorLink>
        ))}
      </Group>
    </Alert>
  )
}
