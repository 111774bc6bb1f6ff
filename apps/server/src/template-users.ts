import { campaignsOfTemplate } from './automation/campaigns/template-users.ts'
import type { FindTemplateUsers } from './messaging/templates/users.ts'

const finders: FindTemplateUsers[] = [campaignsOfTemplate]

/** Everything that sends a template, in one list that folders join. */
export const findTemplateUsers: FindTemplateUsers = async (app, projectId, templateId) =>
  (await Promise.all(finders.map((find) => find(app, projectId, templateId)))).flat()
