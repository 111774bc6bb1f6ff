/** What the console calls the fields of the REST API. Longer paths first where one begins another. */
const labels: [path: string, label: string][] = [
  ['frequency.notAgainWithinDays', 'Not again within days'],
  ['wait.atLeastDays', 'At the earliest, days later'],
  ['wait.property', 'Property'],
  ['wait.days', 'Days'],
  ['wait.ms', 'Length'],
  ['config.host', 'Host'],
  ['config.port', 'Port'],
  ['config.user', 'User'],
  ['config.password', 'Password'],
  ['config.clientName', 'Name given to the server'],
  ['limits.perSecond', 'Mails a second'],
  ['limits.connections', 'Connections'],
  ['eventRetentionDays', 'Days that events are kept'],
  ['triggerEvent', 'Trigger event'],
  ['templateId', 'Template'],
  ['testAddress', 'Test address'],
  ['fromAddress', 'From'],
  ['replyTo', 'Reply to'],
  ['preheader', 'Preheader'],
  ['subject', 'Subject'],
  ['html', 'HTML'],
  ['text', 'Plain text'],
  ['timezone', 'Time zone'],
  ['conditions', 'Conditions'],
  ['frequency', 'Not again within days'],
  ['domain', 'Domain'],
  ['address', 'Email address'],
  ['reason', 'Reason'],
  ['name', 'Name'],
  ['key', 'Name for the API'],
]

/** A refusal that begins with the name of its field, with the name that the console has for it. */
export function withLabel(message: string, path: string | undefined): string {
  const field = path?.replace(/^\//, '').replaceAll('/', '.')
  const label = labels.find(([known]) => known === field)?.[1]
  if (!field || !label) return message
  const rest = message.startsWith(field) ? message.slice(field.length) : undefined
  return rest !== undefined && /^[ :,]/.test(rest) ? label + rest : message
}
