import type { CatalogueEvent, CatalogueProperty, Json } from '@fairway/api'
import { useQuery } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'

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

export const useCatalogProperties = (project: string) =>
  useCatalog<CatalogueProperty>(project, ['properties'])

export const useCatalogValues = (project: string, property: string) =>
  useCatalog<{ value: Json; share: number }>(project, ['properties', property, 'values'], property !== '')

export const useCatalogEvents = (project: string) => useCatalog<CatalogueEvent>(project, ['events'])

export const useEventProperties = (project: string, event: string) =>
  useCatalog<CatalogueProperty>(project, ['events', event, 'properties'], event !== '')

export const useCatalogTags = (project: string) => useCatalog<{ name: string }>(project, ['tags'])

export const useCatalogTopics = (project: string) => useCatalog<{ name: string }>(project, ['topics'])

/** The types of one property's values, as far as they are known. */
export const typesIn = (properties: CatalogueProperty[], property: string): string[] =>
  properties.find(({ name }) => name === property)?.types.map(({ type }) => type) ?? []

/** The types of each, in words. */
export const typesOf = (properties: CatalogueProperty[]): Record<string, string> =>
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
