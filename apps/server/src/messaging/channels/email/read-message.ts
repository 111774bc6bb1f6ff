import PostalMime from 'postal-mime'
import type { ReadMessage } from './work.ts'

export async function parseMessage(source: Uint8Array): Promise<ReadMessage> {
  const { html, text, headers, attachments } = await PostalMime.parse(source)
  return {
    html: html ?? null,
    text: text ?? null,
    headers: headers.map(({ originalKey, value }) => ({ name: originalKey, value })),
    attachments: attachments.map(({ filename, mimeType, content }) => ({
      filename,
      contentType: mimeType,
      bytes: (content as ArrayBuffer).byteLength,
    })),
  }
}
