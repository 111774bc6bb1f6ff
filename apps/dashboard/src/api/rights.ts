import type { Membership } from '@fairway/api'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { projectsQuery, sessionQuery } from './session.ts'
import type { ProjectRight } from './types.ts'

/**
 * What the signed-in person may do in this project, as the server says. It decides; asking here only spares people a
 * refusal after the click.
 */
export function useMay(): (right: ProjectRight) => boolean {
  const { project } = useParams({ strict: false })
  const projects = useQuery(projectsQuery).data
  const rights = projects?.find(({ id }) => String(id) === project)?.rights ?? []
  return (right) => rights.includes(right)
}

/** The organizations in which the signed-in person may create projects. */
export function useOrganizationsForProjects(): Membership[] {
  const organizations = useQuery(sessionQuery).data?.organizations ?? []
  return organizations.filter(({ rights }) => rights.includes('projects.create'))
}
