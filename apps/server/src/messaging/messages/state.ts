export const messageStates = ['pending', 'claimed', 'sent', 'failed', 'skipped', 'unknown'] as const
export type MessageState = (typeof messageStates)[number]
