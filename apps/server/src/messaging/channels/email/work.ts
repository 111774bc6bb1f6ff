import type { RenderTask } from '../../templates/work.ts'
import type { OutgoingMail } from './mail.ts'

/** A mail as the bytes of a MIME message. */
export const writeMessage: RenderTask<null, OutgoingMail, Uint8Array> = { name: 'write message' }

export interface ReadMessage {
  html: string | null
  text: string | null
  headers: { name: string; value: string }[]
  attachments: { filename: string | null; contentType: string; bytes: number }[]
}

/** What a MIME message says. */
export const readMessage: RenderTask<null, { source: Uint8Array }, ReadMessage> = { name: 'read message' }
