import { isDeepStrictEqual } from 'node:util'
import { Type } from 'typebox'
import type { App } from '../../../platform/app.ts'
import { invalidField } from '../../../platform/errors.ts'
import { isInternalLiteral } from '../../../platform/net/connections.ts'
import type { ProviderKind } from '../channel.ts'
import type { ProviderLimits } from '../gateway.ts'
import type { ComposedMail } from './compose-work.ts'
import { defaultLimits, SmtpGateway, type SmtpSettings } from './smtp.ts'
import { trySmtp } from './smtp-test.ts'

const ClientName = Type.String({ minLength: 1, maxLength: 253, pattern: '^[A-Za-z0-9.:\\[\\]_-]+$' })
const Plain = Type.String({ maxLength: 1_000, pattern: '^[^\\0\\r\\n]*$' })
const SmtpConfig = Type.Object(
  {
    host: Type.String({
      minLength: 1,
      maxLength: 253,
      description: 'Name or address, such as smtp.example.com',
    }),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    secure: Type.Boolean({ description: 'TLS from the first byte, as on port 465' }),
    startTls: Type.Optional(
      Type.Union([Type.Literal('required'), Type.Literal('opportunistic'), Type.Literal('never')], {
        description: 'Upgrade of a plain connection; default: when the server offers it',
      }),
    ),
    user: Type.Optional(Plain),
    password: Type.Optional(Plain),
    clientName: Type.Optional(ClientName),
    verifyCertificate: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

/** A project's own SMTP server. */
export const smtpProvider: ProviderKind<ComposedMail> = {
  limits: defaultLimits,
  schema: SmtpConfig,
  open: (app, { config, limits }) =>
    new SmtpGateway(openSettings(app, config), {
      limits: { ...defaultLimits, ...limits },
      allowPrivate: app.config.allowPrivateNetworks,
      now: app.now,
    }),
  accept(app, given, sealedBefore) {
    const before = sealedBefore && openSettings(app, sealedBefore)
    const settings = before ? withPassword(given as SmtpSettings, before) : (given as SmtpSettings)
    checkHost(app, settings)
    return { sealed: sealSettings(app, settings), changed: !isDeepStrictEqual(settings, before) }
  },
  shown(app, sealed) {
    const { password, ...config } = openSettings(app, sealed)
    return { ...config, hasPassword: password !== undefined && password !== '' }
  },
  tryOut: (app, projectId, sealed, mail) => trySmtp(app, projectId, openSettings(app, sealed), mail),
}

/** The operator's own choice: it may well be a relay in the same network. */
export function installationSmtp(app: App): SmtpGateway | undefined {
  const { smtpUrl } = app.config
  if (!smtpUrl) return undefined
  const { settings, limits } = parseSmtpUrl(smtpUrl)
  return new SmtpGateway(settings, { limits, allowPrivate: true, now: app.now })
}

/** The stored password only ever goes to the server and user that it was given for. */
function withPassword(config: SmtpSettings, before: SmtpSettings): SmtpSettings {
  if (config.password !== undefined || before.password === undefined || !config.user) return config
  if (config.host !== before.host || config.port !== before.port || config.user !== before.user) {
    throw invalidField(
      'config.password',
      'config.password is needed again when the host, port or user changes',
    )
  }
  return { ...config, password: before.password }
}

/** A first, friendly no; names are checked again at every connection. */
function checkHost(app: App, { host }: SmtpSettings): void {
  if (!/^[A-Za-z0-9.:[\]_-]+$/.test(host)) {
    throw invalidField(
      'config.host',
      'config.host must be only the host name, such as smtp.example.com, without https:// and without a path',
    )
  }
  if (/^[^:]*:\d+$/.test(host)) {
    throw invalidField(
      'config.host',
      'config.host must be only the host name, such as smtp.example.com; the port is config.port',
    )
  }
  if (!app.config.allowPrivateNetworks && isInternalLiteral(host)) {
    throw invalidField(
      'config.host',
      'config.host is an internal address; the operator can allow these with FAIRWAY_ALLOW_PRIVATE_NETWORKS=true',
    )
  }
}

export const sealSettings = (app: App, settings: SmtpSettings): Buffer =>
  app.secrets.encrypt(JSON.stringify(settings))

export const openSettings = (app: App, sealed: Buffer): SmtpSettings =>
  JSON.parse(app.secrets.decrypt(sealed)) as SmtpSettings

/** `smtp://user:password@host:587?connections=20&perSecond=50`, `smtps://…` for TLS from the first byte. */
export function parseSmtpUrl(value: string): { settings: SmtpSettings; limits: ProviderLimits } {
  const url = new URL(value)
  const secure = url.protocol === 'smtps:'
  const limit = (name: keyof ProviderLimits, least: number) => {
    const given = Number(url.searchParams.get(name) ?? Number.NaN)
    return Number.isFinite(given) && given >= least ? given : defaultLimits[name]
  }
  return {
    settings: {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port ? Number(url.port) : secure ? 465 : 587,
      secure,
      user: decodeURIComponent(url.username) || undefined,
      password: decodeURIComponent(url.password) || undefined,
    },
    limits: { perSecond: limit('perSecond', 0), connections: Math.trunc(limit('connections', 1)) },
  }
}
