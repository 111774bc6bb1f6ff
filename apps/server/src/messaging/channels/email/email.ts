import { canonicalAddress } from '../../../platform/email-address.ts'
import type { Channel } from '../channel.ts'
import { composeMails } from './compose-mails.ts'
import type { ComposedMail } from './compose-work.ts'
import { trimMailbox, writeToMailbox } from './sandbox.ts'
import { installationSmtp, smtpProvider } from './smtp-provider.ts'

export const email: Channel<ComposedMail> = {
  name: 'email',
  address: {
    of: (person) => person.email,
    canonical: canonicalAddress,
    missing: 'no email',
    invalid: 'the email address is not valid',
  },
  compose: composeMails,
  providers: { smtp: smtpProvider },
  installation: { exists: ({ config }) => config.smtpUrl !== undefined, open: installationSmtp },
  sandbox: {
    write: (client, projectId, kept, at) =>
      writeToMailbox(
        client,
        projectId,
        kept.map(({ messageId, product: { envelope, subject, source } }) => ({
          messageId,
          envelopeFrom: envelope.from,
          envelopeTo: envelope.to,
          subject,
          source,
        })),
        at,
      ),
    trim: trimMailbox,
  },
}
