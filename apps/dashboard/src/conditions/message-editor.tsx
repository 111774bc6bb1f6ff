import { Group, Select } from '@mantine/core'
import { useBuilder } from './builder-context.ts'
import { CountFields, WhenFields } from './how-often-fields.tsx'
import type { MessageAct, MessageLeaf } from './language.ts'
import { useNamed } from './use-names.ts'

const acts: { act: MessageAct; did: boolean; label: string }[] = [
  { act: 'sent', did: true, label: 'were sent' },
  { act: 'opened', did: true, label: 'opened' },
  { act: 'clicked', did: true, label: 'clicked in' },
  { act: 'sent', did: false, label: 'were not sent' },
  { act: 'opened', did: false, label: 'did not open' },
  { act: 'clicked', did: false, label: 'did not click in' },
]

const keyOf = (act: MessageAct, did: boolean) => `${act} ${did}`

export function MessageEditor({
  leaf,
  onChange,
}: {
  leaf: MessageLeaf
  onChange: (leaf: MessageLeaf) => void
}) {
  const { campaigns, templates } = useNamed(useBuilder().project)
  const set = (change: Partial<MessageLeaf>) =>
    onChange(
      Object.fromEntries(
        Object.entries({ ...leaf, ...change }).filter(([, value]) => value !== undefined),
      ) as unknown as MessageLeaf,
    )
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
