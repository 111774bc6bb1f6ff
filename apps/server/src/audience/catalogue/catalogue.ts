import type { App } from '../../platform/app.ts'
import { type News, ProjectCatalogue, type Sightings } from './project-catalogue.ts'
import { bitOf, type ValueType } from './value-types.ts'

/** Entries of all projects in memory, about 100 bytes each; those of projects that were quiet longest go first. */
const maxEntries = 200_000
const dayMs = 86_400_000

const caches = new WeakMap<App, Map<number, Promise<ProjectCatalogue>>>()
const sizes = new WeakMap<Promise<ProjectCatalogue>, ProjectCatalogue>()

const dayOf = (app: App) => Math.floor(app.now().getTime() / dayMs)

/** The catalogue of a project, from memory unless this process sees the project for the first time. */
export async function catalogueOf(app: App, projectId: number): Promise<ProjectCatalogue> {
  let cache = caches.get(app)
  if (!cache) caches.set(app, (cache = new Map()))
  let loading = cache.get(projectId)
  if (!loading) {
    loading = load(app, projectId)
    const started = loading
    started.then(
      (catalogue) => sizes.set(started, catalogue),
      () => cache.delete(projectId),
    )
    makeRoom(cache)
  } else {
    cache.delete(projectId)
  }
  cache.set(projectId, loading)
  const catalogue = await loading
  catalogue.beginDay(dayOf(app))
  return catalogue
}

function makeRoom(cache: Map<number, Promise<ProjectCatalogue>>): void {
  let entries = 0
  for (const loading of cache.values()) entries += sizes.get(loading)?.size ?? 0
  for (const [projectId, loading] of cache) {
    if (entries < maxEntries) return
    entries -= sizes.get(loading)?.size ?? 0
    cache.delete(projectId)
  }
}

async function load(app: App, projectId: number): Promise<ProjectCatalogue> {
  const day = dayOf(app)
  const catalogue = new ProjectCatalogue(day)
  const today = (seen: Date) => seen.getTime() >= day * dayMs
  const { rows: events } = await app.pool.query<{ folded_name: string; last_seen: Date }>(
    'select folded_name, last_seen from event_names where project_id = $1',
    [projectId],
  )
  for (const { folded_name, last_seen } of events) catalogue.addEvent(folded_name, today(last_seen))
  const { rows: properties } = await app.pool.query<{
    event: string
    name: string
    type: ValueType
    last_seen: Date
  }>('select event, name, type, last_seen from property_types where project_id = $1', [projectId])
  for (const { event, name, type, last_seen } of properties)
    catalogue.addProperty(event, name, today(last_seen) ? bitOf(type) : 0)
  const { rows: labels } = await app.pool.query<{ kind: 'tag' | 'topic'; name: string; last_seen: Date }>(
    'select kind, name, last_seen from person_labels where project_id = $1',
    [projectId],
  )
  for (const { kind, name, last_seen } of labels) catalogue.addLabel(kind, name, today(last_seen))
  return catalogue
}

/**
 * Tells the catalogue what a committed batch brought. In a statement of its own, because batches that bring the same news
 * would wait for each other; a crash in between costs nothing, since the next item like it brings it again.
 */
export async function learn(app: App, projectId: number, sightings: Sightings): Promise<void> {
  if (sightings.isEmpty) return
  try {
    const catalogue = await catalogueOf(app, projectId)
    await writeNews(app, projectId, catalogue.learn(sightings))
  } catch (error) {
    caches.get(app)?.delete(projectId)
    app.log.warn({ err: error, projectId }, 'the catalogue could not be written; it learns again')
  }
}

/** The order keeps two batches from waiting for each other. */
async function writeNews(app: App, projectId: number, news: News): Promise<void> {
  if (news.events.length + news.properties.length + news.labels.length === 0) return
  await app.pool.query({
    name: 'catalogue_learn',
    text: `with events as (
             insert into event_names as t (project_id, folded_name, name, first_seen, last_seen)
             select $1, folded, name, $5, $5 from json_to_recordset($2) as r (folded text, name text) order by folded collate "C"
             on conflict (project_id, folded_name) do update set last_seen = greatest(t.last_seen, excluded.last_seen)),
           properties as (
             insert into property_types as t (project_id, event, name, type, first_seen, last_seen)
             select $1, event, name, type, $5, $5 from json_to_recordset($3) as r (event text, name text, type text)
             order by event collate "C", name collate "C", type
             on conflict (project_id, event, name, type) do update set last_seen = greatest(t.last_seen, excluded.last_seen))
           insert into person_labels as t (project_id, kind, name, first_seen, last_seen)
           select $1, kind, name, $5, $5 from json_to_recordset($4) as r (kind text, name text) order by kind, name collate "C"
           on conflict (project_id, kind, name) do update set last_seen = greatest(t.last_seen, excluded.last_seen)`,
    values: [
      projectId,
      JSON.stringify(news.events),
      JSON.stringify(news.properties),
      JSON.stringify(news.labels),
      app.now(),
    ],
  })
}
