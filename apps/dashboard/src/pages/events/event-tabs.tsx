import { PageTabs } from '../../components/page-tabs.tsx'

export const EventTabs = ({ project }: { project: string }) => (
  <PageTabs
    label="Events"
    project={project}
    tabs={[
      { label: 'Arriving', to: '/projects/$project/events' },
      { label: 'Catalogue', to: '/projects/$project/events/catalogue' },
    ]}
  />
)
