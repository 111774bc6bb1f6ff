import { Group, Select } from '@mantine/core'
import { IconMail } from '@tabler/icons-react'
import { useBuilder } from '../builder-context.ts'
import { missingInWindow } from '../completeness.ts'
import { CountFields, WhenFields } from '../how-often-fields.tsx'
import { type MessageAct, type MessageLeaf, withoutEmpty } from '../language.ts'
import { howOften, quote } from '../phrases.ts'
import { useNamed } from '../use-names.ts'
import type { EditorProps, Kind } from './kind.ts'

const acts: { act: MessageAct; did: boolean; label: string }[] = [
  { act: 'sent', did: true, label: 'were sent' },
  { act: 'opened', did: true, label: 'opened' },
  { act: 'clicked', did: true, label: 'clicked in' },
  { act: 'sent', did: false, label: 'were not sent' },
  { act: 'opened', did: false, label: 'did not open' },
  { act: 'clicked', did: false, label: 'did not click in' },
]

const keyOf = (act: MessageAct, did: boolean) => `${act} ${did}`

export const message: Kind<MessageLeaf> = {
  title: 'Message they got, opened or clicked',
  label: 'Message',
  icon: IconMail,
  start: { message: 'sent' },
  Editor,
  words({ message, did = true, count, within, campaign, template }, names) {
    const words = [`who ${actOf(message, did).label} a message`]
    if (campaign !== undefined) words.push(`of the campaign ${quote(names.campaign(campaign))}`)
    if (template !== undefined) words.push(`of the template ${quote(names.template(template))}`)
    return [...words, ...howOften(count, within)].join(' ')
  },
  missing: ({ within }) => missingInWindow(within),
}

const actOf = (act: MessageAct, did: boolean) => acts.find((each) => each.act === act && each.did === did)!

function Editor({ leaf, onChange }: EditorProps<MessageLeaf>) {
  const { campaigns, templates } = useNamed(useBuilder().project)
  const set = (change: Partial<MessageLeaf>) => onChange(withoutEmpty({ ...leaf, ...change }))
  const choose = (key: string | null) => {
    const { act, did } = acts.find((each) => keyOf(each.act, each.did) === key)!
    set({ message: act, did: did ? undefined : false })
  }
  return (
    <Group gap="xs">
      <Select
        aria-label="What happened"
        size="xs"
        w={150}
        data={acts.map(({ act, did, label }) => ({ value: keyOf(act, did), label }))}
        value={keyOf(leaf.message, leaf.did !== false)}
        onChange={choose}
      />
      <Of
        label="Of the campaign"
        all="a message of any campaign"
        items={campaigns}
        value={leaf.campaign}
        onChange={(campaign) => set({ campaign })}
      />
      <Of
        label="Of the template"
        all="any template"
        items={templates}
        value={leaf.template}
        onChange={(template) => set({ template })}
      />
      <CountFields count={leaf.count} onChange={(count) => set({ count })} />
      <WhenFields when={leaf} onChange={({ within }) => set({ within })} />
    </Group>
  )
}

interface OfProps {
  label: string
  all: string
  items: { id: number; name: string }[]
  value: number | undefined
  onChange: (id: number | undefined) => void
}

const Of = ({ label, all, items, value, onChange }: OfProps) => (
  <Select
    aria-label={label}
    size="xs"
    w={200}
    searchable
    data={[{ value: '', label: all }, ...items.map(({ id, name }) => ({ value: String(id), label: name }))]}
    value={value === undefined ? '' : String(value)}
    onChange={(id) => onChange(id ? Number(id) : undefined)}
  />
)
