/** Reasons that are no sentence; the others say what a mail server or somebody said. */
const words: Record<string, string> = {
  api: 'asked for by the API',
  import: 'came with an import',
  manual: 'added by hand',
}

/** Why, and by whom where somebody did it. */
export function suppressionWords({ reason, addedBy }: { reason: string; addedBy: string | null }): string {
  const byMember = addedBy?.includes('@')
  const why = byMember && reason === 'api' ? 'done in the console' : (words[reason] ?? reason)
  return addedBy === null ? why : `${why}, by ${addedBy}`
}
