import { Mail, MailDetail, Page } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../../platform/app.ts'
import { file, noContent, ok } from '../../../platform/http/answers.ts'
import { clearMailbox, deleteMail, getMail, getMailHtml, listMailbox } from './mailbox.ts'

const tags = ['mailbox']
const htmlType = 'text/html; charset=utf-8'
const ProjectParams = Type.Object({ project: Type.String() })
const MailParams = Type.Object({
  project: Type.String(),
  mail: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
})

/** The sandbox mailbox; registered in the project scope. */
export const mailboxRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.get(
    '/mailbox',
    {
      config: { right: 'people.read' },
      schema: {
        summary: 'Mails of the sandbox, newest first',
        description: 'What would have been sent: a project in test mode, or one without an SMTP server.',
        tags,
        params: ProjectParams,
        querystring: Type.Object({
          limit: Type.Integer({ minimum: 1, maximum: 100, default: 50 }),
          cursor: Type.Optional(Type.Integer({ minimum: 1, description: 'nextCursor of the page before' })),
        }),
        response: ok(Page(Mail)),
      },
    },
    ({ project, query }) => listMailbox(app, project.id, query),
  )

  server.get(
    '/mailbox/:mail',
    {
      // Links to unsubscribe.
      config: { right: 'people.read', holdsSecrets: true },
      schema: {
        summary: 'One mail with its HTML, text, headers and source',
        tags,
        params: MailParams,
        response: ok(MailDetail),
      },
    },
    ({ project, params }) => getMail(app, project.id, params.mail),
  )

  server.get(
    '/mailbox/:mail/html',
    {
      config: { right: 'people.read', headers: 'mail', holdsSecrets: true },
      schema: {
        summary: 'The HTML of a mail, to be shown in a frame',
        tags,
        params: MailParams,
        response: file('text/html'),
      },
    },
    async ({ project, params }, reply) =>
      reply.type(htmlType).send(await getMailHtml(app, project.id, params.mail)),
  )

  server.delete(
    '/mailbox/:mail',
    {
      config: { right: 'content.delete' },
      schema: { summary: 'Delete a mail', tags, params: MailParams, response: noContent },
    },
    async ({ project, params }, reply) => {
      await deleteMail(app, project.id, params.mail)
      return reply.code(204).send()
    },
  )

  server.delete(
    '/mailbox',
    {
      config: { right: 'content.delete' },
      schema: { summary: 'Empty the mailbox', tags, params: ProjectParams, response: noContent },
    },
    async ({ project }, reply) => {
      await clearMailbox(app, project.id)
      return reply.code(204).send()
    },
  )
}
