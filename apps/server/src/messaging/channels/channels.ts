import { createHash } from 'node:crypto'
import type { App } from '../../platform/app.ts'
import {
  defaultLimits,
  type ProviderLimits,
  SmtpChannel,
  type SmtpSettings,
  type SmtpTimeouts,
} from './smtp.ts'

/** A row of `providers`, its settings still encrypted. */
export interface ProviderRow {
  id: number
  config: Buffer
  limits: Partial<ProviderLimits>
}

export interface Channels {
  /** The channel that a project's mail leaves through; undefined when there is none but the sandbox mailbox. */
  forProvider(projectId: number, provider: ProviderRow | null): SmtpChannel | undefined
  close(): void
}

const maxOpen = 500
const idleMs = 10 * 60_000

interface Open {
  channel: SmtpChannel
  usedAt: number
}

const byApp = new WeakMap<App, Channels>()

/** The channels of this process, made once an app, so that every handler shares the same limits and breakers. */
export function channelsOf(app: App): Channels {
  let channels = byApp.get(app)
  if (!channels) byApp.set(app, (channels = createChannels(app)))
  return channels
}

/** Ends the open connections of this process; the next use opens new ones. */
export function closeChannels(app: App): void {
  byApp.get(app)?.close()
  byApp.delete(app)
}

function createChannels(app: App): Channels {
  const open = new Map<string, Open>()
  const { smtpUrl } = app.config

  const acquire = (key: string, make: () => SmtpChannel): SmtpChannel => {
    const now = app.now().getTime()
    const entry = open.get(key) ?? { channel: make(), usedAt: now }
    entry.usedAt = now
    // Reinserted, so that the map's order is the order of use.
    open.delete(key)
    open.set(key, entry)
    evictIdle(open, now)
    return entry.channel
  }

  return {
    forProvider(projectId, provider) {
      if (provider) {
        // Changed settings make another key, so the new ones hold from the next batch on.
        const version = createHash('sha256')
          .update(provider.config)
          .update(JSON.stringify(provider.limits))
          .digest('base64')
        return acquire(`${projectId}:${provider.id}:${version}`, () =>
          openChannel(app, openSettings(app, provider.config), { ...defaultLimits, ...provider.limits }),
        )
      }
      if (!smtpUrl) return undefined
      return acquire('installation', () => {
        const { settings, limits } = parseSmtpUrl(smtpUrl)
        // The operator's own choice: it may well be a relay in the same network.
        return new SmtpChannel(settings, { limits, allowPrivate: true, now: app.now })
      })
    },
    close() {
      for (const { channel } of open.values()) channel.close()
      open.clear()
    },
  }
}

function evictIdle(open: Map<string, Open>, now: number): void {
  for (const [key, { channel, usedAt }] of open) {
    const enough = open.size <= maxOpen && now - usedAt < idleMs
    if (enough) return
    if (channel.slots.busy > 0) continue
    channel.close()
    open.delete(key)
  }
}

export const openChannel = (
  app: App,
  settings: SmtpSettings,
  limits: ProviderLimits,
  timeouts?: SmtpTimeouts,
): SmtpChannel =>
  new SmtpChannel(settings, { limits, timeouts, allowPrivate: app.config.allowPrivateNetworks, now: app.now })

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
