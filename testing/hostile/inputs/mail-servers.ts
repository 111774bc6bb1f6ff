import { type Input, many } from '../input.ts'
import { SmtpStub } from '../smtp-stub.ts'
import type { Tenant } from '../tenant.ts'

async function sendThrough(tenant: Tenant, stub: SmtpStub): Promise<void> {
  const config = { host: '127.0.0.1', port: stub.port, secure: false }
  await tenant.rest('POST', '/providers', { name: 'Own', config })
  await tenant.rest('PATCH', '/settings', { mode: 'live' })
}

export const mailServers: Input[] = [
  {
    name: 'mail servers that never answer, many projects',
    why: "each held a place of the worker: sixteen mails stopped everybody's mail and events",
    env: { FAIRWAY_ALLOW_PRIVATE_NETWORKS: 'true' },
    async play(tenant, scale) {
      const silent = await SmtpStub.start({ silent: true })
      const well = await SmtpStub.start({ silent: false })
      try {
        await many(scale.of(18, 60), 2, async (n) => {
          const project = await tenant.another(`Silent ${n}`)
          await sendThrough(project, silent)
          for (let mail = 0; mail < 3; mail++) await project.accept({})
        })
        await tenant.until(async () => silent.taken >= scale.of(18, 60) || undefined)
        const shop = await tenant.another('Shop')
        await sendThrough(shop, well)
        const { state } = await shop.mail({})
        if (state !== 'sent') throw new Error(`another's mail is ${state}`)
      } finally {
        silent.close()
        well.close()
      }
    },
  },
]
