import { type Static, Type } from 'typebox'
import { Organization } from './projects.ts'

/** An organization that the signed-in person is a member of. */
export const Membership = Type.Object({
  ...Organization.properties,
  role: Type.Enum(['owner', 'admin', 'member']),
  rights: Type.Array(Type.String()),
})
export type Membership = Static<typeof Membership>

/** Who is signed in. */
export const Session = Type.Object({
  user: Type.Object({
    id: Type.String(),
    name: Type.String(),
    email: Type.String(),
    hasPassword: Type.Boolean(),
  }),
  organizations: Type.Array(Membership),
})
export type Session = Static<typeof Session>
