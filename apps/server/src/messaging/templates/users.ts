import type { App } from '../../platform/app.ts'

/** Something that sends a template. */
export interface TemplateUser {
  kind: 'campaign'
  id: number
  name: string
  state: 'off' | 'test' | 'live'
}

/** Who sends a template, those that are live first; whatever uses templates joins the list in `template-users.ts`. */
export type FindTemplateUsers = (app: App, projectId: number, templateId: number) => Promise<TemplateUser[]>
