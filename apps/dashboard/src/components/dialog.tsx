import { Modal, type ModalProps } from '@mantine/core'
import { useId, useLayoutEffect } from 'react'
import { SignedOutNote } from './signed-out-note.tsx'

export type DialogProps = Omit<ModalProps, 'opened'> & { opened?: boolean }

/**
 * A modal dialog. When it closes, the keyboard is where it was before: at the button that opened it, also when the dialog
 * exists only while it is open, or when it was an item of a menu.
 */
export function Dialog({ opened = true, children, ...props }: DialogProps) {
  const id = useId()
  useLayoutEffect(() => {
    if (!opened) return
    const opener = openerOf(document.activeElement)
    return () => {
      const content = document.getElementById(`${id}-body`)?.closest('[role=dialog]')
      setTimeout(() => {
        const at = document.activeElement
        // Whoever took the focus meanwhile keeps it.
        if (!at || at === document.body || content?.contains(at)) opener?.focus({ preventScroll: true })
      })
    }
  }, [opened, id])
  return (
    <Modal id={id} returnFocus={false} opened={opened} {...props}>
      {/* The one of the page is behind this, and out of the keyboard's reach. */}
      <SignedOutNote />
      {children}
    </Modal>
  )
}

/** An item of a menu goes with it; the button of the menu stays. */
function openerOf(element: Element | null): HTMLElement | null {
  const menu = element?.closest('[role=menu]')
  return menu
    ? document.getElementById(menu.getAttribute('aria-labelledby') ?? '')
    : (element as HTMLElement | null)
}
