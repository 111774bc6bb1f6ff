import type { App } from '../../../platform/app.ts'
import { conflict, invalidField, notFound } from '../../../platform/errors.ts'
import { dkimRecord, generateDkimKey } from './dkim.ts'

export interface SendingDomain {
  domain: string
  selector: string
  /** To be published in DNS; mail of this domain is signed from the moment it is added. */
  record: { name: string; type: string; value: string }
  createdAt: Date
}

interface Row {
  domain: string
  selector: string
  public_key: string
  created_at: Date
}

const columns = 'domain, selector, public_key, created_at'
const maxDomains = 100

export async function listDomains(app: App, projectId: number): Promise<SendingDomain[]> {
  const { rows } = await app.pool.query<Row>(
    `select ${columns} from sending_domains where project_id = $1 order by domain`,
    [projectId],
  )
  return rows.map(describe)
}

/** Makes a key pair; the private key is stored encrypted and never shown. @throws {ApiError} 422, 409 */
export async function addDomain(app: App, projectId: number, name: string): Promise<SendingDomain> {
  const domain = name.trim().toLowerCase().replace(/\.$/, '')
  if (
    !/^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,63}|xn--[a-z0-9-]{1,59})$/.test(domain)
  ) {
    throw invalidField('domain', 'domain must be a domain name, such as example.com')
  }
  const { privateKey, publicKey } = generateDkimKey()
  // The month tells an old key from its successor.
  const selector = `fairway${app.now().toISOString().slice(0, 7).replace('-', '')}`
  const { rows } = await app.pool.query<Row>(
    `insert into sending_domains (project_id, domain, selector, private_key, public_key, created_at)
     select $1, $2, $3, $4, $5, $6
     where (select count(*) from sending_domains where project_id = $1) < $7
     on conflict do nothing returning ${columns}`,
    [projectId, domain, selector, app.secrets.encrypt(privateKey), publicKey, app.now(), maxDomains],
  )
  if (!rows[0]) throw conflict(`${domain} is there already, or the project has ${maxDomains} domains`)
  return describe(rows[0])
}

/** Its mail is no longer signed. @throws {ApiError} 404 */
export async function removeDomain(app: App, projectId: number, domain: string): Promise<void> {
  const { rowCount } = await app.pool.query(
    'delete from sending_domains where project_id = $1 and domain = $2',
    [projectId, domain.toLowerCase()],
  )
  if (rowCount === 0) throw notFound('Domain')
}

const describe = (row: Row): SendingDomain => ({
  domain: row.domain,
  selector: row.selector,
  record: dkimRecord(row.domain, row.selector, row.public_key),
  createdAt: row.created_at,
})
