import { formatDuration } from './format.ts'

/** The queue's lanes and what travels in them. */
export const laneWords: Record<string, string> = {
  ingest: 'Events and people to process',
  transactional: 'Transactional mail, ahead of everything',
  automation: 'Campaign mail, and who is in which segment',
  bulk: 'Imports, exports and other long work',
  webhooks: 'Outgoing webhooks',
}

/** Kinds of jobs, by name. */
export const jobWords: Record<string, string> = {
  item: 'Process an item',
  deliver: 'Deliver a message',
  task: 'A step of long work',
  evaluate_segments: 'Segments of changed people',
}

export const describeJob = (name: string): string => jobWords[name] ?? name

/** "ingest and bulk", "ingest, bulk and webhooks" */
export const listWords = (words: string[]): string => new Intl.ListFormat('en').format(words)

/** How soon nothing waits any more, in words that promise no more than is known. */
export function drainWords({ state, ms }: { state: string; ms: number | null }): string {
  if (state === 'empty') return 'Nothing waits.'
  if (state === 'paused') return 'Paused: what waits is kept, and nothing starts.'
  if (state === 'draining') return `At the pace of the last minute done in about ${formatDuration(ms ?? 0)}.`
  if (state === 'not_draining') return 'Not becoming less: as much arrives as is done, or more.'
  return 'Looking whether it becomes less…'
}
