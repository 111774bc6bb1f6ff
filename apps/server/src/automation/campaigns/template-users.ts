import type { FindTemplateUsers, TemplateUser } from '../../messaging/templates/users.ts'

/** The campaigns that send a template. */
export const campaignsOfTemplate: FindTemplateUsers = async (app, projectId, templateId) => {
  const { rows } = await app.pool.query<TemplateUser>(
    `select 'campaign' as kind, id, name, state from campaigns where project_id = $1 and template_id = $2
     order by state <> 'live', id`,
    [projectId, templateId],
  )
  return rows
}
