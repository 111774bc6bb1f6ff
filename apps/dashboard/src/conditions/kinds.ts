import {
  IconBolt,
  IconChartPie,
  IconHash,
  IconId,
  IconListCheck,
  IconMail,
  IconMailCheck,
  IconTarget,
  type TablerIcon,
} from '@tabler/icons-react'
import type { Leaf } from './language.ts'

export type LeafKind = 'person' | 'trigger' | 'event' | 'message' | 'tag' | 'topic' | 'subscribed' | 'segment'

interface Kind {
  kind: LeafKind
  /** In the menu. */
  title: string
  /** Before the condition's fields. */
  label: string
  icon: TablerIcon
  start: Leaf
}

/** The kinds of conditions, as they are offered. */
export const kinds: Kind[] = [
  {
    kind: 'person',
    title: 'Property of the person',
    label: 'Property',
    icon: IconId,
    start: { person: '', operator: 'equals', value: '' },
  },
  {
    kind: 'trigger',
    title: 'Property of the trigger event',
    label: 'Trigger',
    icon: IconTarget,
    start: { trigger: '', operator: 'equals', value: '' },
  },
  {
    kind: 'event',
    title: 'Event they did or did not do',
    label: 'Event',
    icon: IconBolt,
    start: { event: '' },
  },
  {
    kind: 'message',
    title: 'Message they got, opened or clicked',
    label: 'Message',
    icon: IconMail,
    start: { message: 'sent' },
  },
  { kind: 'tag', title: 'Tag', label: 'Tag', icon: IconHash, start: { tag: '' } },
  {
    kind: 'topic',
    title: 'Topic they want or not',
    label: 'Topic',
    icon: IconListCheck,
    start: { topic: '', wanted: true },
  },
  {
    kind: 'subscribed',
    title: 'Subscription to marketing mail',
    label: 'Marketing mail',
    icon: IconMailCheck,
    start: { subscribed: true },
  },
  {
    kind: 'segment',
    title: 'In another segment',
    label: 'Segment',
    icon: IconChartPie,
    start: { segment: 0 },
  },
]

/** Undefined for what this console does not know. */
export const kindOf = (leaf: object): Kind | undefined => kinds.find(({ kind }) => kind in leaf)
