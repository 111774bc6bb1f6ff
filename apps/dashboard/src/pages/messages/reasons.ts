const explanations: [RegExp, string][] = [
  [/^no email$/, 'The person has no email address.'],
  [/^unsubscribed$/, 'The person unsubscribed from marketing mail.'],
  [/^suppressed$/, 'The address is suppressed: nothing is ever sent to it.'],
  [/^frequency/, 'The person already got this within the time that the campaign’s frequency rule sets.'],
  [/^condition false: /, 'Just before sending, this condition was not met: '],
  [/^wait: /, 'The wait led nowhere: '],
]

/** A stored reason as a sentence; one that is a sentence already is shown as it is. */
export function explainReason(reason: string): string {
  for (const [pattern, words] of explanations)
    if (pattern.test(reason)) return words.endsWith(' ') ? words + reason.replace(pattern, '') : words
  return reason
}
