import { createContext, use, useEffect, useRef } from 'react'
import { useUnsaved } from '../lib/unsaved.tsx'
import { Dialog, type DialogProps } from './dialog.tsx'

type Leave = (how: () => void) => void

/** What the forms of a dialog have to say about closing it. */
interface Closing {
  leaves: Set<Leave>
  close: () => void
}

const ClosingContext = createContext<Closing | undefined>(undefined)

/** A dialog with a form: it does not close with what was typed before it has asked. See {@link useDialogDraft}. */
export function FormDialog({ onClose, children, ...props }: DialogProps) {
  const closing = useRef<Closing>({ leaves: new Set(), close: onClose }).current
  closing.close = () => [...closing.leaves].reduce<() => void>((next, leave) => () => leave(next), onClose)()
  return (
    <Dialog {...props} onClose={() => closing.close()}>
      <ClosingContext value={closing}>{children}</ClosingContext>
    </Dialog>
  )
}

/** For a form in a {@link FormDialog}: `guard` is to be shown, `close` is for its Cancel. */
export function useDialogDraft(draft: unknown) {
  const closing = use(ClosingContext)
  const unsaved = useUnsaved(draft)
  const latest = useRef(unsaved.leave)
  latest.current = unsaved.leave
  useEffect(() => {
    const leave: Leave = (how) => latest.current(how)
    closing?.leaves.add(leave)
    return () => {
      closing?.leaves.delete(leave)
    }
  }, [closing])
  return { ...unsaved, close: () => closing?.close() }
}
