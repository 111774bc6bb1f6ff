import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

/** Encryption at rest and signing, each with its own key derived from FAIRWAY_SECRET (HKDF-SHA256, RFC 5869). */
export interface Secrets {
  /** AES-256-GCM; output is nonce (12 bytes) + tag (16 bytes) + ciphertext. */
  encrypt(plain: string): Buffer
  /** Throws when the bytes were changed or FAIRWAY_SECRET is another. */
  decrypt(sealed: Buffer): string
  /** base64url HMAC-SHA256 of `value`, bound to `purpose` so that a signature for one use fits no other. */
  sign(purpose: string, value: string): string
  /** Constant-time check of {@link sign}. */
  verify(purpose: string, value: string, signature: string): boolean
  /** A further key for a library that wants its own, as hex. */
  derive(purpose: string): string
}

export function createSecrets(secret: string): Secrets {
  const key = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, '', `fairway:${purpose}`, 32))
  const encryptionKey = key('encryption')
  const signingKey = key('signing')

  const sign = (purpose: string, value: string) =>
    createHmac('sha256', signingKey).update(`${purpose}\0${value}`).digest('base64url')

  return {
    encrypt(plain) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', encryptionKey, nonce)
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body])
    },
    decrypt(sealed) {
      const decipher = createDecipheriv('aes-256-gcm', encryptionKey, sealed.subarray(0, 12), {
        authTagLength: 16,
      })
      decipher.setAuthTag(sealed.subarray(12, 28))
      return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8')
    },
    sign,
    verify(purpose, value, signature) {
      const expected = Buffer.from(sign(purpose, value))
      const given = Buffer.from(signature)
      return expected.length === given.length && timingSafeEqual(expected, given)
    },
    derive: (purpose) => key(`derived:${purpose}`).toString('hex'),
  }
}
