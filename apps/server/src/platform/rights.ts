/** Who acts: a signed-in member of the organization by role, or a program with a secret key of the project. */
export type Caller = Role | 'key'

interface RightRow {
  /** In what the caller's role counts. Of the installation: the role in its first organization, whose it is. */
  of: 'project' | 'organization' | 'installation'
  callers: readonly Caller[]
  /** For the documentation: "may …". */
  what: string
}

const everyone: readonly Caller[] = ['owner', 'admin', 'member', 'key']
const administrators: readonly Caller[] = ['owner', 'admin', 'key']
/** Nothing that a leaked secret key could do to outlive its revocation. */
const administratorsInPerson: readonly Caller[] = ['owner', 'admin']

/**
 * The one table of who may do what. Members do the daily work and whatever can be taken back. What can't, what lets
 * others in, and what carries the data of many people out needs an administrator.
 */
export const rights = {
  'project.read': {
    of: 'project',
    callers: everyone,
    what: "see settings, numbers, content, tasks and queue, without anybody's data",
  },
  'people.read': {
    of: 'project',
    callers: everyone,
    what: 'see people, their events and messages, the sandbox mailbox, rejected rows and dead letters',
  },
  'people.edit': {
    of: 'project',
    callers: everyone,
    what: 'change one person; suppress an address; change tags, properties and manual segments of many',
  },
  'content.edit': {
    of: 'project',
    callers: everyone,
    what: 'make and change segments, templates and campaigns, and switch campaigns on and off',
  },
  'messages.send': {
    of: 'project',
    callers: everyone,
    what: 'send test mail, try a failed message again, settle one in doubt',
  },
  'imports.run': { of: 'project', callers: everyone, what: 'import files, which can be undone' },
  'tasks.control': {
    of: 'project',
    callers: everyone,
    what: 'pause, resume and cancel a task that they might have started',
  },
  'people.export': {
    of: 'project',
    callers: administrators,
    what: 'export people, events and messages as files, and everything about one person',
  },
  'people.consent': {
    of: 'project',
    callers: administrators,
    what: 'subscribe, unsubscribe or suppress many people at once, or set a topic for them; take an address off the list of suppressed ones',
  },
  'people.merge': { of: 'project', callers: administrators, what: 'merge one person into another' },
  'people.erase': { of: 'project', callers: administrators, what: 'erase people, one or many' },
  'content.delete': {
    of: 'project',
    callers: administrators,
    what: 'delete segments, templates, campaigns, imports and mails of the sandbox',
  },
  'imports.undo': { of: 'project', callers: administrators, what: 'undo an import' },
  'queue.manage': {
    of: 'project',
    callers: administrators,
    what: "pause the project's work; run dead letters again or discard them",
  },
  'sending.manage': {
    of: 'project',
    callers: administrators,
    what: 'change SMTP servers and sending domains',
  },
  'sending.confirm': {
    of: 'project',
    callers: administratorsInPerson,
    what: 'let sending go on after the database was restored',
  },
  'sources.manage': { of: 'project', callers: administrators, what: 'change, try and run SQL sources' },
  'project.change': { of: 'project', callers: administrators, what: 'change settings, such as the mode' },
  'keys.manage': {
    of: 'project',
    callers: administrators,
    what: 'list and revoke keys, and create tracking keys',
  },
  'keys.secret': { of: 'project', callers: administratorsInPerson, what: 'create secret keys' },
  'project.delete': { of: 'project', callers: ['owner'], what: 'delete the project' },
  'projects.create': {
    of: 'organization',
    callers: administratorsInPerson,
    what: 'create projects in the organization',
  },
  'installation.read': {
    of: 'installation',
    callers: administratorsInPerson,
    what: 'see what waits in the whole queue',
  },
} as const satisfies Record<string, RightRow>

export type Right = keyof typeof rights

const rows: Record<Right, RightRow> = rights

export const isRight = (name: string): name is Right => Object.hasOwn(rights, name)

export const scopeOf = (right: Right): RightRow['of'] => rows[right].of

export const may = (caller: Caller, right: Right): boolean => rows[right].callers.includes(caller)

/** What a caller may do in a project, or as a member of an organization. For the console, which decides nothing itself. */
export const rightsOf = (caller: Caller, scope: RightRow['of']): Right[] =>
  (Object.keys(rights) as Right[]).filter((right) => scopeOf(right) === scope && may(caller, right))

const names: Record<Caller, string> = {
  owner: 'owners',
  admin: 'administrators',
  member: 'members',
  key: 'secret keys',
}

/** "owners, administrators and secret keys" */
export function whoMay(right: Right): string {
  const callers = rows[right].callers.map((caller) => names[caller])
  return callers.length === 1 ? callers[0]! : `${callers.slice(0, -1).join(', ')} and ${callers.at(-1)}`
}

export type Role = 'owner' | 'admin' | 'member'
