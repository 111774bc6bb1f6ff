import { Box, Group, SegmentedControl, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { ApiError } from '../api/client.ts'
import { fieldError } from '../lib/field-error.ts'
import { BuilderContext } from './builder-context.ts'
import { ConditionsJson, parseJson } from './conditions-json.tsx'
import { type DraftGroup, findByPath, isGroup, toCondition, toDraft } from './draft.ts'
import { GroupEditor } from './group-editor.tsx'
import type { Condition } from './language.ts'
import { useNames } from './use-names.ts'
import { missingIn } from './walk.ts'
import { describeConditions } from './words.ts'

export interface Built {
  /** Null: no conditions, everybody. */
  conditions: Condition | null
  /** Why they cannot be used yet. */
  problem: string | undefined
}

export const asBuilt = (conditions: Condition | null): Built => ({ conditions, problem: undefined })

interface ConditionBuilderProps {
  project: string
  initial: Condition | null
  onChange: (built: Built) => void
  /** The triggering event's name, where conditions may speak of it. */
  trigger?: string
  /** The server's answer to the last try to save. */
  error?: Error | null
  /** What no conditions at all mean. */
  everybody: string
}

/** Conditions by fields, or as JSON; both ways say the same, and in English below. */
export function ConditionBuilder({
  project,
  initial,
  onChange,
  trigger,
  error,
  everybody,
}: ConditionBuilderProps) {
  const [draft, setDraft] = useState(() => toDraft(initial))
  const [text, setText] = useState<string | null>(null)
  const [added, setAdded] = useState<number>()

  const change = (next: DraftGroup) => {
    setDraft(next)
    const conditions = toCondition(next)
    onChange({ conditions, problem: conditions ? missingIn(conditions) : undefined })
  }
  const type = (next: string) => {
    setText(next)
    const parsed = parseJson(next)
    if (parsed.conditions !== undefined) setDraft(toDraft(parsed.conditions))
    onChange({ conditions: parsed.conditions ?? null, problem: parsed.problem && 'Correct the JSON first' })
  }
  const typed = text === null ? undefined : parseJson(text)
  const show = (mode: string) => setText(mode === 'json' ? toText(toCondition(draft)) : null)

  const said = fieldError(error ?? null, 'conditions')
  return (
    <BuilderContext.Provider
      value={{ project, trigger, added, complaint: placeOf(draft, error ?? null, said) }}
    >
      <Stack gap="sm">
        <Group justify="flex-end">
          <SegmentedControl
            size="xs"
            aria-label="Edit as"
            data={[
              { value: 'fields', label: 'Builder' },
              { value: 'json', label: 'JSON' },
            ]}
            value={text === null ? 'fields' : 'json'}
            onChange={show}
            disabled={typed?.problem !== undefined}
          />
        </Group>
        {text === null ? (
          <GroupEditor group={draft} depth={0} onChange={change} onAdded={setAdded} />
        ) : (
          <ConditionsJson value={text} onChange={type} error={typed?.problem ?? said} />
        )}
        <Summary project={project} draft={draft} everybody={everybody} />
        {said && text === null && (
          <Text size="sm" c="red" role="alert">
            {said}
          </Text>
        )}
      </Stack>
    </BuilderContext.Provider>
  )
}

function Summary({ project, draft, everybody }: { project: string; draft: DraftGroup; everybody: string }) {
  const names = useNames(project)
  const conditions = toCondition(draft)
  return (
    <Box role="note" aria-label="In words">
      <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
        {conditions ? describeConditions(conditions, names) : everybody}
      </Text>
    </Box>
  )
}

/** The condition that the server complains about, by the path it names. */
function placeOf(draft: DraftGroup, error: Error | null, message: string | undefined) {
  if (message === undefined || !(error instanceof ApiError)) return undefined
  const found = findByPath(draft, error.field!.replace(/^\/?conditions[./]?/, '').replaceAll('/', '.'))
  return isGroup(found) ? undefined : { id: found.id, message }
}

const toText = (conditions: Condition | null) => (conditions ? JSON.stringify(conditions, null, 2) : '')
