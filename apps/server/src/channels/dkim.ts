import { generateKeyPairSync } from 'node:crypto'
import type { App } from '../app.ts'
import { BoundedCache } from '../templates/bounded-cache.ts'
import type { DkimKey } from './mail.ts'

/** 2048 bits: what receivers require, and the most that fits the common limits of DNS providers. */
const keyBits = 2048

export function generateDkimKey(): { privateKey: string; publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: keyBits,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return { privateKey, publicKey: publicKey.toString('base64') }
}

/** The TXT record that publishes a key. One string; DNS software splits it at 255 bytes. */
export const dkimRecord = (domain: string, selector: string, publicKey: string) => ({
  name: `${selector}._domainkey.${domain}`,
  type: 'TXT',
  value: `v=DKIM1; k=rsa; p=${publicKey}`,
})

const opened = new BoundedCache<string, string>({ maxEntries: 1_000, maxSize: 4_000_000 })

/** The key for a sender's domain: of the domain itself, or of the closest domain above it that has one. */
export function dkimKeyFor(
  app: App,
  projectId: number,
  domains: { domain: string; selector: string; private_key: Buffer }[],
  sender: string,
): DkimKey | undefined {
  const owner = domains
    .filter(({ domain }) => sender === domain || sender.endsWith(`.${domain}`))
    .sort((a, b) => b.domain.length - a.domain.length)[0]
  if (!owner) return undefined
  const key = `${projectId}:${owner.domain}:${owner.private_key.toString('base64', 0, 40)}`
  let privateKey = opened.get(key)
  if (privateKey === undefined) {
    privateKey = app.secrets.decrypt(owner.private_key)
    opened.set(key, privateKey, privateKey.length)
  }
  return { domain: owner.domain, selector: owner.selector, privateKey }
}
