import { useQuery } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'
import type { Json } from './types.ts'

/** What is known of a property's name: the types its values had, and since when. */
export interface CatalogProperty {
  name: string
  types: { type: string; firstSeen: string; lastSeen: string }[]
  /** Its values were of types that do not go together. */
  conflict: boolean
  firstSeen: string
  lastSeen: string
}

export interface CatalogEvent {
  name: string
  /** All spellings of the name in one. */
  foldedName: string
  firstSeen: string
  lastSeen: string
  last30Days: number
}

/** Names change rarely: what was read a minute ago will do for completing what is typed. */
const staleTime = 60_000

function useCatalog<Item>(project: string, parts: string[], enabled = true) {
  return useQuery({
    queryKey: [project, 'catalog', ...parts],
    queryFn: ({ signal }) =>
      request<{ items: Item[] }>(projectPath(project, 'catalog', ...parts), { signal }).then(
        ({ items }) => items,
      ),
    staleTime,
    enabled,
    // Completion is a help: its failure is not worth a wait.
    retry: false,
  })
}

export const useCatalogProperties = (project: string) => useCatalog<CatalogProperty>(project, ['properties'])

export const useCatalogValues = (project: string, property: string) =>
  useCatalog<{ value: Json; share: number }>(project, ['properties', property, 'values'], property !== '')

export const useCatalogEvents = (project: string) => useCatalog<CatalogEvent>(project, ['events'])

export const useEventProperties = (project: string, event: string) =>
  useCatalog<CatalogProperty>(project, ['events', event, 'properties'], event !== '')

export const useCatalogTags = (project: string) => useCatalog<{ name: string }>(project, ['tags'])

export const useCatalogTopics = (project: string) => useCatalog<{ name: string }>(project, ['topics'])

/** The types of one property's values, as far as they are known. */
export const typesIn = (properties: CatalogProperty[], property: string): string[] =>
  properties.find(({ name }) => name === property)?.types.map(({ type }) => type) ?? []

/** The types of each, in words. */
export const typesOf = (properties: CatalogProperty[]): Record<string, string> =>
  Object.fromEntries(properties.map(({ name, types }) => [name, types.map(({ type }) => type).join(', ')]))

export type TimeUnit = 'hour' | 'day'

export const useEventsOverTime = (
  project: string,
  query: { name?: string; from: string; to: string; unit: TimeUnit },
) =>
  useQuery({
    queryKey: [project, 'events', 'over-time', query],
    queryFn: ({ signal }) =>
      request<{ items: { at: string; count: number }[] }>(projectPath(project, 'events', 'over-time'), {
        query,
        signal,
      }).then(({ items }) => items),
  })
