import type { App } from '../../platform/app.ts'

type Purpose = 'unsubscribe' | 'view'

/** Where people reach this server, without a trailing slash. */
export const publicUrl = (app: App): string => app.config.publicUrl ?? `http://localhost:${app.config.port}`

/** `<project>.<message>.<signature>`: names one message, and nobody can make one for another. */
export function messageToken(app: App, purpose: Purpose, projectId: number, messageId: string): string {
  const subject = `${projectId.toString(36)}.${Buffer.from(messageId.replaceAll('-', ''), 'hex').toString('base64url')}`
  return `${subject}.${app.secrets.sign(purpose, subject)}`
}

/** Undefined for a token that was not made by {@link messageToken} for this purpose. */
export function readMessageToken(
  app: App,
  purpose: Purpose,
  token: string,
): { projectId: number; messageId: string } | undefined {
  const [project, message, last, ...rest] = token.split('.')
  // Mail clients take what stands behind a link for a part of it: a bracket, a full stop.
  const signature = /^([\w-]+)[^\w-]*$/.exec(last ?? '')?.[1]
  if (!project || !message || !signature || rest.some((part) => /\w/.test(part))) return undefined
  if (!app.secrets.verify(purpose, `${project}.${message}`, signature)) return undefined
  const hex = Buffer.from(message, 'base64url').toString('hex')
  const messageId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return { projectId: Number.parseInt(project, 36), messageId }
}

export const unsubscribeUrl = (app: App, projectId: number, messageId: string): string =>
  `${publicUrl(app)}/u/${messageToken(app, 'unsubscribe', projectId, messageId)}`

export const permalinkUrl = (app: App, projectId: number, messageId: string): string =>
  `${publicUrl(app)}/v/${messageToken(app, 'view', projectId, messageId)}`
