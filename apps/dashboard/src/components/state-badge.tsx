import type { CampaignState, CountedState, MessageState } from '@fairway/api'
import { Badge, Tooltip } from '@mantine/core'

interface StateWords {
  label: string
  color: string
  /** What the state does and does not promise. */
  meaning: string
}

export const messageStates: Record<MessageState, StateWords> = {
  pending: { label: 'Pending', color: 'gray', meaning: 'Waiting for its time or its turn.' },
  claimed: { label: 'Sending', color: 'blue', meaning: 'A worker is handing it to the provider now.' },
  sent: {
    label: 'Sent',
    color: 'lagoon',
    meaning: 'Handed to the provider, which accepted it. Whether it was delivered is not known.',
  },
  failed: { label: 'Failed', color: 'red', meaning: 'Not sent; the reason says why.' },
  skipped: { label: 'Skipped', color: 'yellow', meaning: 'Not sent on purpose; the reason says why.' },
  unknown: {
    label: 'Unknown',
    color: 'buoy',
    meaning: 'It may have left before a crash. It is never sent again by itself: you decide.',
  },
}

export const campaignStates: Record<CampaignState, Omit<StateWords, 'meaning'>> = {
  off: { label: 'Off', color: 'gray' },
  test: { label: 'Test', color: 'yellow' },
  live: { label: 'Live', color: 'lagoon' },
}

/** Sent, as far as the sandbox mailbox goes. */
const kept: StateWords = {
  label: 'Kept in the mailbox',
  color: 'indigo',
  meaning: 'It went no further than the mailbox of this project, and nobody received it.',
}

/** With what went no further than the mailbox apart from what was sent. */
export const countedStates: Record<CountedState, StateWords> = { ...messageStates, kept }

interface MessageStateBadgeProps {
  state: CountedState
  /** Through which it was sent, where that is known. */
  provider?: string | null
}

export const MessageStateBadge = ({ state, provider }: MessageStateBadgeProps) => (
  <StateBadge {...countedStates[state === 'sent' && provider === 'sandbox' ? 'kept' : state]} />
)

/** Colour, word and meaning together; the colour alone never says it. */
function StateBadge({ label, color, meaning }: StateWords) {
  return (
    <Tooltip label={meaning}>
      <Badge color={color} variant="dot" tt="none" fw={550} miw="max-content">
        {label}
      </Badge>
    </Tooltip>
  )
}
