import { type Logger, pino } from 'pino'

/** Logs go to stderr: stdout is for what a command prints. */
export const createLogger = (level: string): Logger =>
  pino({ level, base: { pid: process.pid } }, pino.destination(2))
