import type { Channel } from './channel.ts'
import { email } from './email/email.ts'

export type Channels = Readonly<Record<string, Channel>>

/** Every way to reach people, by the name that messages store. */
export const channels: Channels = { email: email as unknown as Channel }
