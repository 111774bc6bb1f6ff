import { Page, Template, TemplatePreview, TemplateUser, Whole } from '@fairway/api'
import type { Json } from '@fairway/queue'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../platform/app.ts'
import { created, noContent, ok } from '../../platform/http/answers.ts'
import { readAtDescription, readAtMember } from '../../platform/read-at.ts'
import { type PreviewInput, previewTemplate } from './preview.ts'
import { createTemplate, deleteTemplate, getTemplate, listTemplates, updateTemplate } from './templates.ts'
import type { FindTemplateUsers } from './users.ts'

const tags = ['templates']
const ProjectParams = Type.Object({ project: Type.String() })
const TemplateParams = Type.Object({
  project: Type.String(),
  template: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
})
const TextOrNull = Type.Union([Type.String(), Type.Null()])
const parts = {
  key: Type.Optional(
    Type.Union([Type.String(), Type.Null()], { description: 'For API callers, instead of the id' }),
  ),
  fromAddress: Type.Optional(TextOrNull),
  replyTo: Type.Optional(TextOrNull),
  subject: Type.Optional(Type.String()),
  preheader: Type.Optional(TextOrNull),
  html: Type.Optional(Type.String()),
  text: Type.Optional(Type.Union([Type.String(), Type.Null()], { description: 'Null: made from the HTML' })),
  headers: Type.Optional(Type.Record(Type.String(), Type.String())),
}
const Name = Type.String({ minLength: 1, maxLength: 200 })
const sample = {
  person: Type.Optional(
    Type.Object(
      {
        id: Type.Optional(Type.String()),
        email: Type.Optional(Type.String()),
        internalId: Type.Optional(Type.Integer({ minimum: 1 })),
      },
      { additionalProperties: false, description: 'Default: the person seen last' },
    ),
  ),
  event: Type.Optional(
    Type.Object(
      {
        name: Type.Optional(Type.String()),
        properties: Type.Optional(Type.Record(Type.String(), Type.Any())),
      },
      { additionalProperties: false },
    ),
  ),
  data: Type.Optional(Type.Record(Type.String(), Type.Any(), { description: '`{{ trigger.* }}`' })),
}

/** Liquid templates; registered in the project scope. A Liquid mistake is a 422 with `line` and `column`. */
export const templateRoutes = (app: App, findUsers: FindTemplateUsers) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.get(
    '/templates',
    {
      config: { right: 'project.read' },
      schema: {
        summary: 'The templates, newest first',
        tags,
        params: ProjectParams,
        querystring: Type.Object({
          limit: Type.Integer({ minimum: 1, maximum: 100, default: 50 }),
          cursor: Type.Optional(Type.Integer({ minimum: 1, description: 'nextCursor of the page before' })),
        }),
        response: ok(Page(Template)),
      },
    },
    ({ project, query }) => listTemplates(app, project.id, query),
  )

  server.post(
    '/templates',
    {
      config: { right: 'content.edit' },
      schema: {
        summary: 'Create a template',
        tags,
        params: ProjectParams,
        body: Type.Object({ name: Name, ...parts }, { additionalProperties: false }),
        response: created(Template),
      },
    },
    async ({ project, body }, reply) => reply.code(201).send(await createTemplate(app, project.id, body)),
  )

  server.get(
    '/templates/:template',
    {
      config: { right: 'project.read' },
      schema: { summary: 'One template', tags, params: TemplateParams, response: ok(Template) },
    },
    ({ project, params }) => getTemplate(app, project.id, params.template),
  )

  server.get(
    '/templates/:template/used-by',
    {
      config: { right: 'project.read' },
      schema: {
        summary: 'What sends a template',
        description: 'What is live first: a change of the template is a change of what people get from it.',
        tags,
        params: TemplateParams,
        response: ok(Whole(TemplateUser)),
      },
    },
    async ({ project, params }) => {
      const { id } = await getTemplate(app, project.id, params.template)
      return { items: await findUsers(app, project.id, id), nextCursor: null }
    },
  )

  server.patch(
    '/templates/:template',
    {
      config: { right: 'content.edit' },
      schema: {
        summary: 'Change a template',
        description: `Members that are left out stay as they are. Messages not yet sent get the new version. ${readAtDescription}`,
        tags,
        params: TemplateParams,
        body: Type.Object(
          { name: Type.Optional(Name), ...parts, ...readAtMember },
          { additionalProperties: false },
        ),
        response: ok(Template),
      },
    },
    ({ project, params, body: { updatedAt, ...changes } }) =>
      updateTemplate(app, findUsers, project.id, params.template, changes, updatedAt),
  )

  server.delete(
    '/templates/:template',
    {
      config: { right: 'content.delete' },
      schema: { summary: 'Delete a template', tags, params: TemplateParams, response: noContent },
    },
    async ({ project, params }, reply) => {
      await deleteTemplate(app, findUsers, project.id, params.template)
      return reply.code(204).send()
    },
  )

  server.post(
    '/templates/preview',
    {
      config: { right: 'people.read' },
      schema: {
        summary: 'Render a draft',
        tags,
        params: ProjectParams,
        body: Type.Object(
          { name: Type.Optional(Type.String()), ...parts, ...sample },
          { additionalProperties: false },
        ),
        response: ok(TemplatePreview),
      },
    },
    async ({ project, body: { person, event, data, ...draft } }, reply) =>
      sendJson(reply, await previewTemplate(app, project.id, draft, asSample({ person, event, data }))),
  )

  server.post(
    '/templates/:template/preview',
    {
      config: { right: 'people.read' },
      schema: {
        summary: 'Render a template for a person',
        tags,
        params: TemplateParams,
        body: Type.Object(sample, { additionalProperties: false }),
        response: ok(TemplatePreview),
      },
    },
    async ({ project, params, body }, reply) => {
      const template = await getTemplate(app, project.id, params.template)
      return sendJson(reply, await previewTemplate(app, project.id, template, asSample(body)))
    },
  )
}

const sendJson = (reply: FastifyReply, json: Uint8Array) =>
  reply
    .type('application/json; charset=utf-8')
    .send(Buffer.from(json.buffer, json.byteOffset, json.byteLength))

/** JSON bodies hold nothing but JSON. */
const asSample = (body: {
  person?: PreviewInput['person']
  event?: { name?: string; properties?: Record<string, unknown> }
  data?: Record<string, unknown>
}): PreviewInput => ({
  person: body.person,
  event: body.event as PreviewInput['event'],
  data: body.data as Record<string, Json> | undefined,
})
