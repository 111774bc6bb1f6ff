import { Tabs } from '@mantine/core'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { PageHeader } from '../../components/page-header.tsx'
import { DomainsPanel } from './domains-panel.tsx'
import { KeysPanel } from './keys-panel.tsx'
import { ProjectPanel } from './project-panel.tsx'
import { ProvidersPanel } from './providers-panel.tsx'

const route = getRouteApi('/signed-in/projects/$project/settings')

const tabs = [
  { value: 'project', label: 'Project', Panel: ProjectPanel },
  { value: 'keys', label: 'API keys', Panel: KeysPanel },
  { value: 'sending', label: 'Sending', Panel: ProvidersPanel },
  { value: 'domains', label: 'Domains', Panel: DomainsPanel },
]

export function SettingsPage() {
  const { project } = route.useParams()
  const { tab = 'project' } = route.useSearch()
  const navigate = useNavigate()
  const open = (value: string | null) =>
    navigate({
      to: '/projects/$project/settings',
      params: { project },
      search: { tab: value ?? undefined },
      replace: true,
    })
  return (
    <>
      <PageHeader title="Settings" />
      <Tabs value={tab} onChange={open} keepMounted={false}>
        <Tabs.List mb="lg">
          {tabs.map(({ value, label }) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map(({ value, Panel }) => (
          <Tabs.Panel key={value} value={value} maw={820}>
            <Panel project={project} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  )
}
