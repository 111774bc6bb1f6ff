import type { UseMutationResult } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { ApiError } from '../api/client.ts'
import { ChangedMeanwhile, type Difference } from '../components/changed-meanwhile.tsx'
import { formatValue } from './format.ts'
import { notifyError } from './notify.tsx'

/** What a form edits, by the label of its field; `shown` where the value says little to people. */
export type Field = [label: string, value: unknown, shown?: string]

interface Editing<Stored, Draft, Body> {
  /** As it was read; undefined for something new. */
  stored: Stored | undefined
  draft: Draft
  toDraft: (stored: Stored) => Draft
  fields: (draft: Draft) => Field[]
  save: UseMutationResult<Stored, Error, Body & { updatedAt?: string }>
  readAgain: () => Promise<Stored>
  /** The form is to show this from now on, as what is saved. */
  onTake: (draft: Draft) => void
}

interface CarefulSave<Stored, Body> {
  /** Saves, unless somebody else changed the same meanwhile: then `dialog` asks. */
  write: (body: Body, onSaved: (saved: Stored) => void) => Promise<void>
  dialog: React.ReactNode
  isPending: boolean
  /** Why it could not be saved; nothing that the dialog asks about. */
  error: Error | null
  /** Counts what was taken from others: the key of what keeps a state of its own. */
  taken: number
}

const mostTries = 3

/**
 * Saves what was read under the condition that it is still that. Changes by others of what the form does not edit, such as the
 * state of a campaign, are no reason to ask.
 */
export function useCarefulSave<Stored extends { updatedAt: string }, Draft, Body extends object>({
  stored,
  draft,
  toDraft,
  fields,
  save,
  readAgain,
  onTake,
}: Editing<Stored, Draft, Body>): CarefulSave<Stored, Body> {
  const known = useRef(stored)
  const [clash, setClash] = useState<{ theirs: Stored; differences: Difference[]; again: () => void }>()
  const [reading, setReading] = useState(false)
  const [taken, setTaken] = useState(0)

  const write = async (body: Body, onSaved: (saved: Stored) => void): Promise<void> => {
    setClash(undefined)
    for (let tries = 1; ; tries++) {
      try {
        const readAt = known.current && { updatedAt: known.current.updatedAt }
        const saved = await save.mutateAsync({ ...body, ...readAt })
        known.current = saved
        return onSaved(saved)
      } catch (error) {
        // Everything else is told by `error`.
        if (!isChangedMeanwhile(error as Error) || !known.current) return
      }
      const theirs = await look()
      if (!theirs) return
      const differences = differencesOf(fields, toDraft(known.current), toDraft(theirs), draft)
      if (differences.length > 0 || tries === mostTries) {
        const again = () => {
          known.current = theirs
          void write(body, onSaved)
        }
        return setClash({ theirs, differences, again })
      }
      known.current = theirs
    }
  }

  const look = async (): Promise<Stored | undefined> => {
    setReading(true)
    try {
      return await readAgain()
    } catch (error) {
      notifyError('Somebody else changed this meanwhile, and it could not be read again', error)
    } finally {
      setReading(false)
    }
  }

  const takeTheirs = (theirs: Stored) => {
    known.current = theirs
    setClash(undefined)
    setTaken((count) => count + 1)
    save.reset()
    onTake(toDraft(theirs))
  }

  return {
    write,
    dialog: clash && (
      <ChangedMeanwhile
        differences={clash.differences}
        onTakeTheirs={() => takeTheirs(clash.theirs)}
        onKeepMine={clash.again}
        onClose={() => setClash(undefined)}
      />
    ),
    isPending: save.isPending || reading,
    error: isChangedMeanwhile(save.error) ? null : save.error,
    taken,
  }
}

const isChangedMeanwhile = (error: Error | null): boolean =>
  error instanceof ApiError && error.code === 'changed_meanwhile'

/** What they changed and is not the same here. */
function differencesOf<Draft>(
  fields: (draft: Draft) => Field[],
  before: Draft,
  theirs: Draft,
  mine: Draft,
): Difference[] {
  const was = new Map(fields(before).map(([label, value]) => [label, JSON.stringify(value)]))
  const here = new Map(fields(mine).map((field) => [field[0], field]))
  return fields(theirs).flatMap(([label, value, shown]) => {
    const now = JSON.stringify(value)
    const [, own, ownShown] = here.get(label)!
    if (now === was.get(label) || now === JSON.stringify(own)) return []
    return [{ label, theirs: shownAs(value, shown), mine: shownAs(own, ownShown) }]
  })
}

const shownAs = (value: unknown, shown: string | undefined): string =>
  shown ?? (value === null || value === undefined || value === '' ? '(empty)' : formatValue(value))
