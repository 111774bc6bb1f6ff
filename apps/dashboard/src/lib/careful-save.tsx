import type { UseMutationResult } from '@tanstack/react-query'
import { lazy, Suspense, useRef, useState } from 'react'
import { ApiError } from '../api/client.ts'
import type { Difference } from '../components/changed-meanwhile.tsx'
import { formatValue } from './format.ts'
import { notifyError, notifySuccess } from './notify.tsx'

// With its dialog it is a fortieth of what a form's page loads, and few ever see it.
const ChangedMeanwhile = lazy(() => import('../components/changed-meanwhile.tsx'))

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

interface CarefulSave<Stored, Draft, Body> {
  /** Saves the draft. What others changed meanwhile goes along; where both changed the same, `dialog` asks. */
  write: (bodyOf: (draft: Draft) => Body, onSaved: (saved: Stored) => void) => Promise<void>
  dialog: React.ReactNode
  isPending: boolean
  /** Why it could not be saved; nothing that the dialog asks about. */
  error: Error | null
  /** Counts what was taken from others: the key of what keeps a state of its own. */
  taken: number
}

const maxTries = 3

/** A save that met one of somebody else: what both changed, and how it goes on. */
interface Clash extends Omit<Merge<unknown>, 'merged'> {
  takeTheirs: () => void
  keepMine: () => void
}

/**
 * Saves what was read under the condition that it is still that. Changes by others of what the form does not edit, such as the
 * state of a campaign, are no reason to ask, and neither are those of fields that were left alone here.
 */
export function useCarefulSave<Stored extends { updatedAt: string }, Draft, Body extends object>({
  stored,
  draft,
  toDraft,
  fields,
  save,
  readAgain,
  onTake,
}: Editing<Stored, Draft, Body>): CarefulSave<Stored, Draft, Body> {
  const known = useRef(stored)
  const [clash, setClash] = useState<Clash>()
  const [reading, setReading] = useState(false)
  const [taken, setTaken] = useState(0)

  const show = (shown: Draft) => {
    setTaken((count) => count + 1)
    onTake(shown)
  }

  const write = async (
    bodyOf: (draft: Draft) => Body,
    onSaved: (saved: Stored) => void,
    // What is known stays so until it is saved: what failed, or was cancelled, is merged anew by the next try.
    base = known.current,
    mine = draft,
    takenOver: string[] = [],
  ): Promise<void> => {
    setClash(undefined)
    for (let tries = 1; ; tries++) {
      const saved = await attempt(bodyOf(mine), base)
      if (saved === 'failed') return
      if (saved !== 'changed') {
        known.current = saved
        onSaved(saved)
        if (!isSame(mine, draft)) show(mine)
        if (takenOver.length > 0)
          notifySuccess('Somebody else’s changes are kept', `They changed: ${takenOver.join(', ')}.`)
        return
      }
      const theirs = await look()
      if (!theirs) return
      const mergeFor = (winner: Winner) => merge(fields, toDraft(base!), toDraft(theirs), mine, winner)
      const ours = mergeFor('mine')
      const labels = [...new Set([...takenOver, ...ours.takenOver])]
      if (ours.differences.length > 0 || tries === maxTries) {
        const goOn = (merged: Draft) => void write(bodyOf, onSaved, theirs, merged, labels)
        const takeTheirs = () => {
          const { merged } = mergeFor('theirs')
          if (!isSame(merged, toDraft(theirs))) return goOn(merged)
          known.current = theirs
          setClash(undefined)
          save.reset()
          show(merged)
        }
        return setClash({ ...ours, takenOver: labels, takeTheirs, keepMine: () => goOn(ours.merged) })
      }
      base = theirs
      mine = ours.merged
      takenOver = labels
    }
  }

  const attempt = async (body: Body, base: Stored | undefined): Promise<Stored | 'changed' | 'failed'> => {
    try {
      return await save.mutateAsync({ ...body, ...(base && { updatedAt: base.updatedAt }) })
    } catch (error) {
      // Everything else is told by `error`.
      return base && isChangedMeanwhile(error as Error) ? 'changed' : 'failed'
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

  return {
    write: (bodyOf, onSaved) => write(bodyOf, onSaved),
    dialog: clash && (
      <Suspense>
        <ChangedMeanwhile
          differences={clash.differences}
          takenOver={clash.takenOver}
          kept={clash.kept}
          onTakeTheirs={clash.takeTheirs}
          onKeepMine={clash.keepMine}
          onClose={() => setClash(undefined)}
        />
      </Suspense>
    ),
    isPending: save.isPending || reading,
    error: isChangedMeanwhile(save.error) ? null : save.error,
    taken,
  }
}

const isChangedMeanwhile = (error: Error | null): boolean =>
  error instanceof ApiError && error.code === 'changed_meanwhile'

type Winner = 'mine' | 'theirs'

interface Merge<Draft> {
  merged: Draft
  /** What both changed, and not to the same. */
  differences: Difference[]
  /** The labels of what only they changed, and of what only was changed here. */
  takenOver: string[]
  kept: string[]
}

/** What one side alone changed is as that side has it; what both changed is the winner's. */
function merge<Draft>(
  fields: (draft: Draft) => Field[],
  before: Draft,
  theirs: Draft,
  mine: Draft,
  winner: Winner,
): Merge<Draft> {
  const pick = <Part,>(was: Part, their: Part, own: Part): Part =>
    isSame(was, own) || (winner === 'theirs' && !isSame(was, their)) ? their : own
  const pickEach = (own: Draft & object): Draft =>
    Object.fromEntries(
      (Object.keys(own) as (keyof Draft)[]).map((name) => [
        name,
        pick(before[name], theirs[name], own[name]),
      ]),
    ) as Draft
  const merged = typeof mine === 'object' && mine !== null ? pickEach(mine) : pick(before, theirs, mine)
  const was = new Map(fields(before).map(([label, value]) => [label, value]))
  const here = new Map(fields(merged).map((field) => [field[0], field]))
  const result: Merge<Draft> = { merged, differences: [], takenOver: [], kept: [] }
  for (const [label, value, shown] of fields(theirs)) {
    const [, own, ownShown] = here.get(label)!
    const isTheirs = !isSame(value, was.get(label))
    if (!isSame(value, own)) {
      if (isTheirs)
        result.differences.push({ label, theirs: shownAs(value, shown), mine: shownAs(own, ownShown) })
      else result.kept.push(label)
    } else if (isTheirs) result.takenOver.push(label)
  }
  return result
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

const shownAs = (value: unknown, shown: string | undefined): string =>
  shown ?? (value === null || value === undefined || value === '' ? '(empty)' : formatValue(value))
