import { composeMail } from '../channels/email/compose.ts'
import { compose } from '../channels/email/compose-work.ts'
import { composeMessage } from '../channels/email/mime.ts'
import { parseMessage } from '../channels/email/read-message.ts'
import { readMessage, writeMessage } from '../channels/email/work.ts'
import { previewJson } from '../templates/preview-json.ts'
import { renderMail, validateMail } from '../templates/render.ts'
import { doing, serve } from '../templates/render-program.ts'
import { buildScope } from '../templates/scope.ts'
import { preview, render, validate } from '../templates/work.ts'

/** The program of a render process: all that tenants' content decides. Nothing else imports what does it. */
serve([
  doing(validate, (_, source) => {
    validateMail(source)
    return null
  }),
  doing(render, (_, { source, scope }) => renderMail(source, buildScope(scope))),
  doing(preview, (_, { source, scope, senders, beside }) =>
    previewJson(renderMail(source, buildScope(scope)), senders, beside),
  ),
  doing(compose, composeMail),
  doing(writeMessage, (_, mail) => composeMessage(mail)),
  doing(readMessage, (_, { source }) => parseMessage(source)),
])
