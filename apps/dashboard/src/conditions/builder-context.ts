import { createContext, useContext } from 'react'

interface Builder {
  project: string
  /** The event that triggers, where conditions may speak of it. */
  trigger: string | undefined
  /** What the server says about one of the conditions. */
  complaint: { id: number; message: string } | undefined
  /** The condition that was just added: its first field takes the focus. */
  added: number | undefined
}

export const BuilderContext = createContext<Builder | null>(null)

export const useBuilder = (): Builder => useContext(BuilderContext)!
