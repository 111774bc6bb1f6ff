/** How far a move is. */
export type Phase =
  /** Nothing moves. */
  | 'steady'
  /** Nobody claims, so that controls and schedules can change places before work does. Adds go to the source. */
  | 'preparing'
  /** Adds go to the source, movers take all that waits to the target, workers claim there. */
  | 'moving'
  /** Adds wait while movers take the last of it: nothing added later may overtake it. */
  | 'closing'
  /** All goes on in the target; unique keys and latecomers are brought after it. */
  | 'clearing'

/** Where the queue's jobs are. `turn` counts up with each change, so that processes can say which one they have seen. */
export interface MoveState {
  turn: number
  phase: Phase
  /** Name of the store that is left; the same as `target` when nothing moves. */
  source: string
  target: string
  /** Identifies the move; empty before the first one. */
  move: string
  /** Epoch ms. */
  startedAt: number | null
  endedAt: number | null
  /** Jobs in the source when the move began, and those that were taken out of it since. */
  total: number
  moved: number
}

/** Where new jobs go; undefined: nowhere at the moment. */
export function storeForAdds({ phase, source, target }: MoveState): string | undefined {
  if (phase === 'closing') return undefined
  return phase === 'preparing' || phase === 'moving' ? source : target
}

/** Where work is claimed, promoted and fired; undefined: nowhere at the moment. */
export const storeForWork = ({ phase, target }: MoveState): string | undefined =>
  phase === 'preparing' ? undefined : target
