import { type Input, many } from '../input.ts'

/** Ways to write the path of a sign-in. */
const signIn = [
  '/api/auth/sign-in/email',
  '/api/auth/x/..\\sign-in/email',
  '/api/auth/x/../sign-in/email',
  '/api/auth/./sign-in/email',
  '/api/auth//sign-in/email',
  '/api/auth/sign-in%2femail',
  '/api/auth/%73ign-in/email',
  '/api/auth/sign-in/email/',
  '/api/auth/x/%2e%2e/sign-in/email',
  '/api/auth/x/..%5csign-in/email',
  '/api/auth\\sign-in\\email',
  '/API/auth/sign-in/email',
]

export const accounts: Input[] = [
  {
    name: 'guesses of a password',
    why: 'another spelling of the path was not counted',
    async play(tenant, scale) {
      const attempts = scale.of(15, 50)
      for (const path of signIn) {
        let asked = 0
        await many(attempts, 5, async (i) => {
          const { status } = await tenant.send('POST', path, {
            body: { email: 'owner@fairway.invalid', password: `guess number ${i}` },
            headers: { origin: tenant.url.origin, 'x-forwarded-for': `203.0.113.${i}` },
          })
          if (status === 401) asked++
        })
        if (asked > 10) throw new Error(`${asked} of ${attempts} guesses were looked at by ${path}`)
      }
    },
  },
  {
    name: 'guesses of keys',
    why: 'each wrong one is looked up',
    play: (tenant, scale) =>
      many(scale.of(100, 3_000), 20, (i) =>
        tenant.send('GET', `/api/v1/projects/${tenant.project.id}/people`, {
          headers: { authorization: `Bearer sk_guess_${i}` },
        }),
      ),
  },
  {
    name: 'links of sign-in that are made up',
    why: 'each is looked up',
    play: (tenant, scale) =>
      many(scale.of(30, 500), 10, (i) =>
        tenant.send('GET', `/api/v1/session/link?token=${'x'.repeat(i * 5)}%00`),
      ),
  },
  {
    name: "another project's ids",
    why: 'what is there and what is not must look the same',
    async play(tenant) {
      for (const id of ['1', '2', '3', '0', '-1', '2147483648', '__proto__'])
        for (const path of ['/people', '/messages', '/settings', '/keys', '/queue']) {
          const { status } = await tenant.send('GET', `/api/v1/projects/${id}${path}`, {
            headers: { authorization: `Bearer ${tenant.project.secretKey}` },
          })
          if (status === 200 && id !== tenant.project.id)
            throw new Error(`project ${id} was readable at ${path}`)
        }
    },
  },
]
