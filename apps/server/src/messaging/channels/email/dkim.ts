import { generateKeyPairSync } from 'node:crypto'
import type { App } from '../../../platform/app.ts'
import { BoundedCache } from '../../templates/bounded-cache.ts'
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

/** The keys of a project's domains, decrypted. */
export const dkimKeys = (
  app: App,
  projectId: number,
  domains: { domain: string; selector: string; private_key: Buffer }[],
): DkimKey[] =>
  domains.map(({ domain, selector, private_key: sealed }) => {
    const key = `${projectId}:${domain}:${sealed.toString('base64', 0, 40)}`
    let privateKey = opened.get(key)
    if (privateKey === undefined) {
      privateKey = app.secrets.decrypt(sealed)
      opened.set(key, privateKey, privateKey.length)
    }
    return { domain, selector, privateKey }
  })
