import type { FastifyInstance, FastifyReply } from 'fastify'
import type { App } from '../../platform/app.ts'
import { readMessageToken } from '../messages/links.ts'
import { confirmPage, donePage, goneLinkPage, goneMailPage } from './pages.ts'
import { findLinkedMessage, unsubscribe } from './unsubscribe.ts'
import { viewMail } from './view-mail.ts'

const htmlType = 'text/html; charset=utf-8'

interface Link {
  Params: { token: string }
}

/**
 * What the links in mails lead to. `/u/…` unsubscribes: GET shows a page with a button, so that link scanners change
 * nothing; POST is the button and the one-click of mail clients (RFC 8058). `/v/…` shows the mail in the browser.
 */
export const trackingRoutes = (app: App) => async (scope: FastifyInstance) => {
  const send = (reply: FastifyReply, status: number, html: string) =>
    reply.code(status).type(htmlType).send(html)
  // One-click bodies are forms, multipart or urlencoded; nothing in them is needed.
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: 16_384 }, (_request, text, done) =>
    done(null, text),
  )

  scope.get<Link>(
    '/u/:token',
    { config: { right: 'link', headers: 'page' }, schema: { hide: true } },
    async ({ params }, reply) => {
      const link = readMessageToken(app, 'unsubscribe', params.token)
      const message = link && (await findLinkedMessage(app, link.projectId, link.messageId))
      if (!message) return send(reply, 404, goneLinkPage)
      return send(reply, 200, confirmPage(message))
    },
  )

  scope.post<Link>(
    '/u/:token',
    { config: { right: 'link', headers: 'page' }, schema: { hide: true } },
    async ({ params, body }, reply) => {
      const link = readMessageToken(app, 'unsubscribe', params.token)
      const message = link && (await findLinkedMessage(app, link.projectId, link.messageId))
      if (!link || !message) return send(reply, 404, goneLinkPage)
      const form = String(body ?? '')
      const how = form.includes('One-Click') ? 'one_click' : 'page'
      // A mail client's own button is about the mails like this one, and a form that says nothing is about all.
      const from =
        message.topic !== null && (how === 'one_click' || form.includes('from=topic')) ? 'topic' : 'all'
      await unsubscribe(app, link.projectId, link.messageId, how, from)
      return send(reply, 200, donePage(message.projectName, from === 'topic' ? message.topic : null))
    },
  )

  scope.get<Link>(
    '/v/:token',
    { config: { right: 'link', headers: 'mail' }, schema: { hide: true } },
    async ({ params }, reply) => {
      const link = readMessageToken(app, 'view', params.token)
      const html = link && (await viewMail(app, link.projectId, link.messageId))
      if (!html) return send(reply, 404, link ? goneMailPage : goneLinkPage)
      return reply.type(htmlType).send(html)
    },
  )
}
