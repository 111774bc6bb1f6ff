import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { projectsQuery, sessionQuery } from './api/session.ts'
import { lastProject } from './lib/last-project.ts'
import { page } from './lib/page.ts'
import { ConsoleLayout } from './shell/console-layout.tsx'
import { NotFoundPage, PagePending, RouteError } from './shell/route-states.tsx'

interface RouterContext {
  queryClient: QueryClient
}

const root = createRootRouteWithContext<RouterContext>()({
  component: Outlet,
  notFoundComponent: NotFoundPage,
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: ({ redirect, error }: Record<string, unknown>): { redirect?: string; error?: string } => ({
    ...(typeof redirect === 'string' && { redirect }),
    ...(typeof error === 'string' && { error }),
  }),
  component: page(() => import('./pages/sign-in.tsx'), 'SignInPage'),
})

/** Everything below needs somebody signed in. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: async ({ context, location }) => {
    const session = await context.queryClient.ensureQueryData(sessionQuery)
    if (!session) throw redirect({ to: '/sign-in', search: { redirect: location.href } })
    return { session }
  },
})

const home = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  beforeLoad: async ({ context }) => {
    const projects = await context.queryClient.ensureQueryData(projectsQuery)
    const project = projects.find(({ id }) => String(id) === lastProject()) ?? projects[0]
    if (project)
      throw redirect({
        to: '/projects/$project/overview',
        params: { project: String(project.id) },
        replace: true,
      })
  },
  component: page(() => import('./pages/no-project.tsx'), 'NoProjectPage'),
})

const project = createRoute({
  getParentRoute: () => signedIn,
  path: '/projects/$project',
  loader: ({ context }) => context.queryClient.ensureQueryData(projectsQuery),
  component: ConsoleLayout,
})

const projectHome = createRoute({
  getParentRoute: () => project,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/projects/$project/overview', params, replace: true })
  },
})

const overview = createRoute({
  getParentRoute: () => project,
  path: 'overview',
  component: page(() => import('./pages/overview/overview.tsx'), 'OverviewPage'),
})

const firstSteps = createRoute({
  getParentRoute: () => project,
  path: 'first-steps',
  component: page(() => import('./pages/first-steps/first-steps.tsx'), 'FirstStepsPage'),
})

const people = createRoute({
  getParentRoute: () => project,
  path: 'people',
  validateSearch: pick('q', 'segment', 'conditions'),
  component: page(() => import('./pages/people/people.tsx'), 'PeoplePage'),
})

const person = createRoute({
  getParentRoute: () => project,
  path: 'people/$person',
  component: page(() => import('./pages/people/person.tsx'), 'PersonPage'),
})

const erasures = createRoute({
  getParentRoute: () => project,
  path: 'erasures',
  component: page(() => import('./pages/people/erasures.tsx'), 'ErasuresPage'),
})

const suppressions = createRoute({
  getParentRoute: () => project,
  path: 'suppressions',
  validateSearch: pick('q'),
  component: page(() => import('./pages/people/suppressions.tsx'), 'SuppressionsPage'),
})

const segments = createRoute({
  getParentRoute: () => project,
  path: 'segments',
  component: page(() => import('./pages/segments/segments.tsx'), 'SegmentsPage'),
})

const newSegment = createRoute({
  getParentRoute: () => project,
  path: 'segments/new',
  component: page(() => import('./pages/segments/new-segment.tsx'), 'NewSegmentPage'),
})

const segment = createRoute({
  getParentRoute: () => project,
  path: 'segments/$segment',
  component: page(() => import('./pages/segments/segment.tsx'), 'SegmentPage'),
})

const imports = createRoute({
  getParentRoute: () => project,
  path: 'imports',
  component: page(() => import('./pages/imports/imports.tsx'), 'ImportsPage'),
})

const newImport = createRoute({
  getParentRoute: () => project,
  path: 'imports/new',
  component: page(() => import('./pages/imports/new-import.tsx'), 'NewImportPage'),
})

const importRoute = createRoute({
  getParentRoute: () => project,
  path: 'imports/$import',
  component: page(() => import('./pages/imports/import.tsx'), 'ImportPage'),
})

const exportsRoute = createRoute({
  getParentRoute: () => project,
  path: 'exports',
  component: page(() => import('./pages/exports/exports.tsx'), 'ExportsPage'),
})

const sources = createRoute({
  getParentRoute: () => project,
  path: 'imports/sources',
  component: page(() => import('./pages/sources/sources.tsx'), 'SourcesPage'),
})

const newSource = createRoute({
  getParentRoute: () => project,
  path: 'imports/sources/new',
  component: page(() => import('./pages/sources/new-source.tsx'), 'NewSourcePage'),
})

const source = createRoute({
  getParentRoute: () => project,
  path: 'imports/sources/$source',
  component: page(() => import('./pages/sources/source.tsx'), 'SourcePage'),
})

const events = createRoute({
  getParentRoute: () => project,
  path: 'events',
  validateSearch: pick('name'),
  component: page(() => import('./pages/events/events.tsx'), 'EventsPage'),
})

const catalogue = createRoute({
  getParentRoute: () => project,
  path: 'events/catalogue',
  validateSearch: pick('name', 'of'),
  component: page(() => import('./pages/events/catalogue.tsx'), 'CataloguePage'),
})

const rejects = createRoute({
  getParentRoute: () => project,
  path: 'rejects',
  component: page(() => import('./pages/events/rejects.tsx'), 'RejectsPage'),
})

const messages = createRoute({
  getParentRoute: () => project,
  path: 'messages',
  validateSearch: pick('state', 'origin', 'campaign', 'q'),
  component: page(() => import('./pages/messages/messages.tsx'), 'MessagesPage'),
})

const message = createRoute({
  getParentRoute: () => project,
  path: 'messages/$message',
  component: page(() => import('./pages/messages/message.tsx'), 'MessagePage'),
})

const mailbox = createRoute({
  getParentRoute: () => project,
  path: 'mailbox',
  validateSearch: pick('mail', 'q'),
  component: page(() => import('./pages/mailbox/mailbox.tsx'), 'MailboxPage'),
})

const campaigns = createRoute({
  getParentRoute: () => project,
  path: 'campaigns',
  component: page(() => import('./pages/campaigns/campaigns.tsx'), 'CampaignsPage'),
})

const newCampaign = createRoute({
  getParentRoute: () => project,
  path: 'campaigns/new',
  component: page(() => import('./pages/campaigns/new-campaign.tsx'), 'NewCampaignPage'),
})

const campaign = createRoute({
  getParentRoute: () => project,
  path: 'campaigns/$campaign',
  component: page(() => import('./pages/campaigns/campaign.tsx'), 'CampaignPage'),
})

const templates = createRoute({
  getParentRoute: () => project,
  path: 'templates',
  component: page(() => import('./pages/templates/templates.tsx'), 'TemplatesPage'),
})

const newTemplate = createRoute({
  getParentRoute: () => project,
  path: 'templates/new',
  component: page(() => import('./pages/templates/new-template.tsx'), 'NewTemplatePage'),
})

const template = createRoute({
  getParentRoute: () => project,
  path: 'templates/$template',
  component: page(() => import('./pages/templates/template.tsx'), 'TemplatePage'),
})

const queue = createRoute({
  getParentRoute: () => project,
  path: 'queue',
  validateSearch: pick('lane', 'name', 'reason'),
  component: page(() => import('./pages/queue/queue.tsx'), 'QueuePage'),
})

const deadLetter = createRoute({
  getParentRoute: () => project,
  path: 'queue/dead-letters/$ref',
  component: page(() => import('./pages/queue/dead-letter.tsx'), 'DeadLetterPage'),
})

const settings = createRoute({
  getParentRoute: () => project,
  path: 'settings',
  validateSearch: pick('tab'),
  component: page(() => import('./pages/settings/settings.tsx'), 'SettingsPage'),
})

const routeTree = root.addChildren([
  signIn,
  signedIn.addChildren([
    home,
    project.addChildren([
      projectHome,
      overview,
      firstSteps,
      people,
      person,
      erasures,
      suppressions,
      segments,
      newSegment,
      segment,
      imports,
      newImport,
      importRoute,
      exportsRoute,
      sources,
      newSource,
      source,
      events,
      catalogue,
      rejects,
      messages,
      message,
      mailbox,
      campaigns,
      newCampaign,
      campaign,
      templates,
      newTemplate,
      template,
      queue,
      deadLetter,
      settings,
    ]),
  ]),
])

export const createAppRouter = (queryClient: QueryClient) =>
  createRouter({
    routeTree,
    context: { queryClient },
    // Code loads when a link is pointed at; data is the business of the query cache.
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    defaultPendingComponent: PagePending,
    defaultErrorComponent: RouteError,
    defaultNotFoundComponent: NotFoundPage,
    scrollRestoration: true,
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>
  }
}

/** Keeps the named search parameters, as strings, and drops empty ones. */
function pick<Name extends string>(...names: Name[]) {
  return (search: Record<string, unknown>): { [Key in Name]?: string } => {
    const kept: { [Key in Name]?: string } = {}
    for (const name of names) {
      const value = search[name]
      if (value !== undefined && value !== '')
        kept[name] = typeof value === 'object' ? JSON.stringify(value) : String(value)
    }
    return kept
  }
}
