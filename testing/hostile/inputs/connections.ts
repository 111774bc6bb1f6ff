import { type Input, many } from '../input.ts'
import type { Tenant } from '../tenant.ts'

const head = (tenant: Tenant, length: number) =>
  `POST /api/v2/events/track?tracking_api_key=${tenant.project.trackingKey} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`

export const connections: Input[] = [
  {
    name: 'bodies that trickle',
    why: 'a byte now and then keeps a connection and a buffer for ever',
    play: (tenant, scale) =>
      many(scale.of(50, 500), 500, () =>
        tenant.raw([head(tenant, 100_000), ...Array<string>(30).fill('{')], {
          pauseMs: scale.of(50, 500),
          ms: scale.of(2_000, 20_000),
        }),
      ).then(() => {}),
  },
  {
    name: 'headers that trickle',
    why: 'a request that never begins',
    play: (tenant, scale) =>
      many(scale.of(50, 500), 500, () =>
        tenant.raw(['GET /heartbeat HTTP/1.1\r\n', ...Array<string>(30).fill('x-a: b\r\n')], {
          pauseMs: scale.of(50, 500),
          ms: scale.of(2_000, 20_000),
        }),
      ).then(() => {}),
  },
  {
    name: 'connections that say nothing',
    why: 'each takes a descriptor',
    play: (tenant, scale) =>
      many(scale.of(200, 2_000), 2_000, () => tenant.raw([], { ms: scale.of(1_000, 10_000) })).then(() => {}),
  },
  {
    name: 'many requests at once on one connection',
    why: 'the answers wait in memory for the one before',
    play: (tenant, scale) =>
      many(scale.of(2, 10), 10, () =>
        tenant.raw(['GET /heartbeat HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(scale.of(1_000, 20_000))], {
          ms: scale.of(3_000, 20_000),
        }),
      ).then(() => {}),
  },
  {
    name: 'answers that nobody reads',
    why: 'what is written for them waits in memory',
    play: (tenant, scale) =>
      many(scale.of(20, 200), 200, async () => {
        const get = `GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n`
        await tenant.raw([get.repeat(20)], { ms: scale.of(1_000, 5_000) })
      }).then(() => {}),
  },
  {
    name: 'lengths that lie',
    why: 'what follows a body is taken for a request',
    async play(tenant) {
      const body = '{"identity":{"id":"1"},"event_name":"x"}'
      for (const length of [0, 1, body.length - 1, body.length + 1, 1e9, -1])
        await tenant.raw([head(tenant, length), body], { ms: 500 })
      await tenant.raw(
        [
          'POST /api/v2/events/track HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
        ],
        { ms: 500 },
      )
      await tenant.raw(
        [
          'POST /api/v2/events/track HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n',
          'fffffffffffffff\r\n',
          'x',
        ],
        { ms: 500 },
      )
      await tenant.raw(
        [
          `POST /v1/batch HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${'1\r\n{\r\n'.repeat(20_000)}`,
        ],
        { ms: 1_000 },
      )
      await tenant.raw(['\0'.repeat(1_000), 'GET http://[::ffff:127.0.0.1/ HTTP/9.9\r\n\r\n'], { ms: 500 })
    },
  },
  {
    name: 'clients that hang up',
    why: 'work for somebody who is gone',
    play: (tenant, scale) =>
      many(scale.of(50, 1_000), 50, () =>
        tenant.raw(
          [
            `GET /api/v1/projects/${tenant.project.id}/people?limit=100 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${tenant.project.secretKey}\r\n\r\n`,
          ],
          { ms: 5 },
        ),
      ).then(() => {}),
  },
  {
    name: 'streams held open',
    why: 'each is told every event; there were places for all projects together',
    play: (tenant, scale) =>
      many(scale.of(40, 400), 400, () =>
        tenant.raw(
          [
            `GET /api/v1/projects/${tenant.project.id}/live HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${tenant.project.secretKey}\r\n\r\n`,
          ],
          { ms: scale.of(2_000, 15_000) },
        ),
      ).then(() => {}),
  },
]
