import { type Static, Type } from 'typebox'
import { nullable, Time } from './basics.ts'

export const ProjectMode = Type.Enum(['test', 'live'], {
  description:
    '`test`: mail goes to the test address, or without one only to the sandbox mailbox. `live`: real sending',
})
export type ProjectMode = Static<typeof ProjectMode>

export const Organization = Type.Object({ id: Type.String(), name: Type.String() })
export type Organization = Static<typeof Organization>

/** The tenant: its own people, events, keys, campaigns. */
export const Project = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  mode: ProjectMode,
  testAddress: nullable(Type.String()),
  timezone: Type.String({ description: 'IANA name; for people without a time zone of their own' }),
  eventRetentionDays: nullable(Type.Integer(), 'Null keeps events for ever'),
  defaultCountry: nullable(Type.String(), 'Of phone numbers without a country code: DE, US, …'),
  organization: nullable(Organization),
  createdAt: Time,
  updatedAt: Time,
})
export type Project = Static<typeof Project>

/** With what the caller may do in it. */
export const ListedProject = Type.Object({ ...Project.properties, rights: Type.Array(Type.String()) })
export type ListedProject = Static<typeof ListedProject>

export const ProjectSettings = Type.Object({
  ...ListedProject.properties,
  installationProvider: Type.Boolean({
    description: "Mail of projects without an SMTP server leaves through the installation's",
  }),
})
export type ProjectSettings = Static<typeof ProjectSettings>

/** The two keys of a new project can be read this once. */
export const CreatedProject = Type.Object({
  project: Project,
  trackingKey: Type.String(),
  secretKey: Type.String(),
})
export type CreatedProject = Static<typeof CreatedProject>
