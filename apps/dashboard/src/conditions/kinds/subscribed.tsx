import { IconMailCheck } from '@tabler/icons-react'
import { Choice } from '../choice.tsx'
import type { SubscribedLeaf } from '../language.ts'
import type { EditorProps, Kind } from './kind.ts'

export const subscribed: Kind<SubscribedLeaf> = {
  title: 'Subscription to marketing mail',
  label: 'Marketing mail',
  icon: IconMailCheck,
  start: { subscribed: true },
  Editor,
  words: ({ subscribed }) =>
    subscribed ? 'who are subscribed' : 'who have unsubscribed from marketing mail',
  missing: () => undefined,
}

function Editor({ leaf, onChange }: EditorProps<SubscribedLeaf>) {
  return (
    <Choice
      label="Subscription"
      w={170}
      yes="are subscribed"
      no="have unsubscribed"
      value={leaf.subscribed}
      onChange={(subscribed) => onChange({ subscribed })}
    />
  )
}
