import type { MailSource } from '../../templates/render.ts'
import type { ScopeSource } from '../../templates/scope.ts'
import type { SenderRules } from '../../templates/sender.ts'
import type { RenderTask } from '../../templates/work.ts'
import type { DkimKey } from './mail.ts'

/** What the mails of a batch have in common. */
export interface ComposeShared {
  projectId: number
  projectName: string
  /** Each template once. */
  sources: MailSource[]
  keys: DkimKey[]
  senders: SenderRules
  date: Date
}

export interface ComposeItem {
  /** Index in `sources`. */
  source: number
  scope: ScopeSource
  to: string[]
  /** What some of `to` are called, by address. */
  names?: Record<string, string>
  bcc: string[]
  /** Of these, whom it is still to reach; everybody when absent. */
  left?: string[]
  /** Of the platform: they win over those of the template. */
  headers: Record<string, string>
  attachments: { filename: string; content: Uint8Array }[]
  /** It goes no further than the sandbox mailbox, which shows a mail without a sender too. */
  staysHere: boolean
}

/** A mail as a channel sends it. */
export interface ComposedMail {
  envelope: { from: string; to: string[] }
  subject: string
  source: Uint8Array
}

export const compose: RenderTask<ComposeShared, ComposeItem, ComposedMail> = { name: 'compose' }
