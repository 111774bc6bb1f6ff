import { PageTabs } from '../../components/page-tabs.tsx'

export const ImportTabs = ({ project }: { project: string }) => (
  <PageTabs
    label="Imports"
    project={project}
    tabs={[
      { label: 'Files', to: '/projects/$project/imports' },
      { label: 'SQL sources', to: '/projects/$project/imports/sources' },
    ]}
  />
)
