import type { CallSum } from './call-sums.ts'
import type { Vitals } from './vitals.ts'

/** Roles of processes under a supervisor. */
export type Role = 'api' | 'worker'

/** What a process tells its supervisor. */
export type FromProcess =
  /** It lives: its event loop turned. */
  | {
      kind: 'beat'
      vitals: Vitals
      /** Of an api: how short of processor time accepting is, 0 to 1. */
      pressure?: number
      /** Of a worker: the calls since its last beat. */
      calls?: CallSum[]
    }
  /** It does its work. */
  | { kind: 'ready' }

/** What a supervisor tells a process. */
export type ToProcess =
  /** End as soon as what is under way has ended. */
  | { kind: 'stop' }
  /** To the api: everything is up, the person at the terminal may be greeted. */
  | { kind: 'welcome' }
  /** To the api: how all processes are, and what the workers did since the last time. */
  | { kind: 'state'; processes: ProcessState[]; standBackShare: number; calls: CallSum[] }
  /** To workers: leave this share of the time to accepting. */
  | { kind: 'standBack'; share: number }

/** A process as its supervisor sees it. */
export interface ProcessState {
  role: Role
  /** Of the operating system; null between two of them. */
  pid: number | null
  state: 'starting' | 'running' | 'stopping' | 'waiting'
  /** For how long none of this role has run; 0 while one does. */
  notRunningMs: number
  /** How often it had to be replaced since the supervisor started. */
  replaced: number
  /** Why, the last time; null when never. */
  lastReason: string | null
  vitals: Vitals | null
}

/** How often a process beats. */
export const beatMs = 250
