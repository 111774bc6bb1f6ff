import { createHash } from 'node:crypto'
import type { App } from '../../platform/app.ts'
import type { ProviderRow } from '../messages/load.ts'
import type { Channel } from './channel.ts'
import type { Gateway } from './gateway.ts'

export interface Gateways {
  /** What a project's messages leave through; undefined when there is nothing but the sandbox. */
  forProvider(projectId: number, channel: Channel, provider: ProviderRow | null): Gateway | undefined
  close(): void
}

const maxOpen = 500
const idleMs = 10 * 60_000

interface Open {
  gateway: Gateway
  usedAt: number
}

const byApp = new WeakMap<App, Gateways>()

/** The gateways of this process, made once an app, so that every handler shares the same limits and breakers. */
export function gatewaysOf(app: App): Gateways {
  let gateways = byApp.get(app)
  if (!gateways) byApp.set(app, (gateways = createGateways(app)))
  return gateways
}

/** Ends the open connections of this process; the next use opens new ones. */
export function closeGateways(app: App): void {
  byApp.get(app)?.close()
  byApp.delete(app)
}

function createGateways(app: App): Gateways {
  const open = new Map<string, Open>()

  const acquire = (key: string, make: () => Gateway | undefined): Gateway | undefined => {
    const now = app.now().getTime()
    const gateway = open.get(key)?.gateway ?? make()
    if (!gateway) return undefined
    // Reinserted, so that the map's order is the order of use.
    open.delete(key)
    open.set(key, { gateway, usedAt: now })
    evictIdle(open, now)
    return gateway
  }

  return {
    forProvider(projectId, channel, provider) {
      if (!provider) return acquire(`installation:${channel.name}`, () => channel.installation.open(app))
      // Changed settings make another key, so the new ones hold from the next batch on.
      const version = createHash('sha256')
        .update(provider.config)
        .update(JSON.stringify(provider.limits))
        .digest('base64')
      return acquire(`${projectId}:${provider.id}:${version}`, () =>
        channel.providers[provider.kind]?.open(app, provider),
      )
    },
    close() {
      for (const { gateway } of open.values()) gateway.close()
      open.clear()
    },
  }
}

function evictIdle(open: Map<string, Open>, now: number): void {
  for (const [key, { gateway, usedAt }] of open) {
    const enough = open.size <= maxOpen && now - usedAt < idleMs
    if (enough) return
    if (gateway.slots.busy > 0) continue
    gateway.close()
    open.delete(key)
  }
}
