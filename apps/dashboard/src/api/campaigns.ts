import type { CampaignReport, CampaignState } from '@fairway/api'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { projectPath, request } from './client.ts'
import { forgetLists, useKeyset, useWhole } from './keyset.ts'
import type { Campaign } from './types.ts'

export type CampaignInput = Pick<
  Campaign,
  'name' | 'triggerEvent' | 'wait' | 'conditions' | 'frequency' | 'templateId' | 'consent'
>

export const useCampaigns = (project: string) =>
  useKeyset<Campaign>([project, 'campaigns'], projectPath(project, 'campaigns'))

/** All of them, for their names and what they use. */
export const useEveryCampaign = (project: string) =>
  useWhole<Campaign>([project, 'campaigns'], projectPath(project, 'campaigns'))

export const readCampaign = (project: string, id: string | number, signal?: AbortSignal) =>
  request<Campaign>(projectPath(project, 'campaigns', id), { signal })

export const useCampaign = (project: string, id: string) =>
  useQuery({
    queryKey: [project, 'campaigns', id],
    queryFn: ({ signal }) => readCampaign(project, id, signal),
  })

export const useCampaignReport = (project: string, id: string) =>
  useQuery({
    queryKey: [project, 'campaigns', id, 'report'],
    queryFn: ({ signal }) =>
      request<CampaignReport>(projectPath(project, 'campaigns', id, 'report'), { signal }),
  })

/** Creates without an id, changes with one. */
export function useSaveCampaign(project: string, id?: number) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (body: Partial<CampaignInput> & { state?: CampaignState; updatedAt?: string }) =>
      id === undefined
        ? request<Campaign>(projectPath(project, 'campaigns'), { method: 'POST', body })
        : request<Campaign>(projectPath(project, 'campaigns', id), { method: 'PATCH', body }),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'campaigns'] }),
  })
}

export function useDeleteCampaign(project: string, id: number) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => request(projectPath(project, 'campaigns', id), { method: 'DELETE' }),
    onSuccess: () => forgetLists(client, [project, 'campaigns']),
  })
}
