import type { Input } from '../input.ts'
import { accounts } from './accounts.ts'
import { bodies } from './bodies.ts'
import { connections } from './connections.ts'
import { imports } from './imports.ts'
import { mailServers } from './mail-servers.ts'
import { outgoing } from './outgoing.ts'
import { reads } from './reads.ts'
import { requests } from './requests.ts'
import { templates } from './templates.ts'

/** All of them, by area. */
export const inputs: Input[] = [
  ...templates,
  ...imports,
  ...bodies,
  ...requests,
  ...connections,
  ...reads,
  ...outgoing,
  ...mailServers,
  ...accounts,
]
