const explanations: [RegExp, string][] = [
  [/^no email/, 'The person has no email address.'],
  [/^unsubscribed/, 'The person unsubscribed from marketing mail.'],
  [/^suppressed/, 'The address is suppressed: nothing is ever sent to it.'],
  [/^condition/, 'The campaign’s conditions were not met when it was about to be sent.'],
  [/^(frequency|not again)/, 'The person already received this within the campaign’s frequency rule.'],
  [/^(campaign is off|campaign off)/, 'The campaign was switched off.'],
]

/** A stored reason as a sentence; an unknown one is shown as it is. */
export const explainReason = (reason: string): string =>
  explanations.find(([pattern]) => pattern.test(reason))?.[1] ?? reason
