import {
  IconBolt,
  IconChartAreaLine,
  IconChartPie,
  IconFileExport,
  IconFileImport,
  IconFlag3,
  IconInbox,
  IconMail,
  IconRoute,
  IconSettings,
  IconStack2,
  IconTemplate,
  IconUsers,
  type TablerIcon,
} from '@tabler/icons-react'

/** Where the navigation and the `g` shortcuts lead; `key` is the letter after `g`. */
export const destinations = [
  { key: 'o', label: 'Overview', icon: IconChartAreaLine, to: '/projects/$project/overview' },
  { key: 'f', label: 'First steps', icon: IconFlag3, to: '/projects/$project/first-steps' },
  { key: 'p', label: 'People', icon: IconUsers, to: '/projects/$project/people' },
  { key: 'g', label: 'Segments', icon: IconChartPie, to: '/projects/$project/segments' },
  { key: 'i', label: 'Imports', icon: IconFileImport, to: '/projects/$project/imports' },
  { key: 'x', label: 'Exports', icon: IconFileExport, to: '/projects/$project/exports' },
  { key: 'e', label: 'Events', icon: IconBolt, to: '/projects/$project/events' },
  { key: 'c', label: 'Campaigns', icon: IconRoute, to: '/projects/$project/campaigns' },
  { key: 't', label: 'Templates', icon: IconTemplate, to: '/projects/$project/templates' },
  { key: 'm', label: 'Messages', icon: IconMail, to: '/projects/$project/messages' },
  { key: 'b', label: 'Mailbox', icon: IconInbox, to: '/projects/$project/mailbox' },
  { key: 'q', label: 'Queue', icon: IconStack2, to: '/projects/$project/queue' },
  { key: 's', label: 'Settings', icon: IconSettings, to: '/projects/$project/settings' },
] as const satisfies { key: string; label: string; icon: TablerIcon; to: string }[]

/** The navigation's groups, in the order of the journey: watch, who and what, say something, see it leave. */
export const groups = [
  { label: null, keys: ['o', 'f'] },
  { label: 'Audience', keys: ['p', 'g', 'e', 'i', 'x'] },
  { label: 'Messaging', keys: ['c', 't', 'm', 'b'] },
  { label: 'Project', keys: ['q', 's'] },
] as const
