import { invalidField } from '../../platform/errors.ts'
import { SourceFailed } from './source-failed.ts'

export type SourceKind = 'postgres' | 'mysql'

/** What a connection URL says, and nothing that a driver would read into it by itself. */
export interface Connection {
  kind: SourceKind
  host: string
  port: number
  user: string
  password: string
  database: string
  /** `prefer`: encrypted if the server can. `verify`: encrypted, by a certificate for this host that this machine trusts. */
  tls: 'disable' | 'prefer' | 'require' | 'verify'
}

const shapes = {
  postgres: { protocols: ['postgres:', 'postgresql:'], port: 5432 },
  mysql: { protocols: ['mysql:', 'mariadb:'], port: 3306 },
} as const

const tlsModes: Record<string, Connection['tls']> = {
  disable: 'disable',
  prefer: 'prefer',
  require: 'require',
  'verify-full': 'verify',
}

/** @throws {ApiError} 422; the URL, which has a password, is not repeated */
export function parseConnection(kind: SourceKind, text: string): Connection {
  const { protocols, port } = shapes[kind]
  const url = URL.canParse(text) ? new URL(text) : undefined
  const wanted = `must be like ${protocols[0]}//user:password@host:${port}/database`
  if (!url || !(protocols as readonly string[]).includes(url.protocol)) throw invalidField('url', wanted)
  const database = decoded(url.pathname.slice(1))
  if (url.hostname === '' || url.username === '' || database === '' || database.includes('/'))
    throw invalidField('url', wanted)
  for (const name of url.searchParams.keys())
    if (name !== 'sslmode') throw invalidField('url', `may have the parameter sslmode, not ${name}`)
  const tls = tlsModes[url.searchParams.get('sslmode') ?? 'prefer']
  if (!tls) throw invalidField('url', `has an sslmode that is none of ${Object.keys(tlsModes).join(', ')}`)
  return {
    kind,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? port : Number(url.port),
    user: decoded(url.username),
    password: decoded(url.password),
    database,
    tls,
  }
}

function decoded(text: string): string {
  try {
    const plain = decodeURIComponent(text)
    if (!plain.includes('\0')) return plain
  } catch {
    // Said below.
  }
  throw invalidField('url', 'has a part that is not URL-encoded: write % as %25, @ as %40, / as %2F')
}

/** The name led to an internal address, or is one. */
export const internalHost = () =>
  new SourceFailed(
    'url',
    'The host is an internal address; the operator can allow these with FAIRWAY_ALLOW_PRIVATE_NETWORKS=true',
  )
