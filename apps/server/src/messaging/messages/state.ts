export const messageStates = ['pending', 'claimed', 'sent', 'failed', 'skipped', 'unknown'] as const
export type MessageState = (typeof messageStates)[number]

/** As counts tell them: what went no further than the sandbox mailbox is `kept`, and not `sent`. */
export const countedStates = [...messageStates, 'kept'] as const
export type CountedState = (typeof countedStates)[number]
export const countedStateSql = `case when state = 'sent' and provider = 'sandbox' then 'kept' else state end`

/** Of each, by what `read` says. */
export const countsByState = (read: (state: CountedState) => number = () => 0) =>
  Object.fromEntries(countedStates.map((state) => [state, read(state)])) as Record<CountedState, number>
