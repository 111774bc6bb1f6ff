import type { PeopleSession } from '../../audience/people/session.ts'

/** Keys of addresses. Returns those that were not suppressed before. */
export async function suppressAddresses(session: PeopleSession, addresses: string[]): Promise<string[]> {
  if (addresses.length === 0) return []
  const { rows } = await session.client.query<{ address: string }>({
    name: 'import_suppress',
    text: `insert into suppressions (project_id, address, reason, created_at)
           select $1, address, 'import', $3 from unnest($2::text[]) as a (address) order by address
           on conflict do nothing returning address`,
    values: [session.projectId, addresses, session.now],
  })
  return rows.map(({ address }) => address)
}
