import { InvalidControls, QueueNotMigrated } from '@fairway/queue'
import { ConfigError } from '../platform/config.ts'
import { DataDirectoryUnusable } from '../platform/data-directory.ts'
import { DatabaseUnusable } from '../platform/db/database.ts'
import { DataDirectoryInUse } from '../platform/db/embedded.ts'
import { ApiError } from '../platform/errors.ts'
import { CannotListen } from '../platform/http/listen.ts'
import { WrongSecret } from '../platform/secret-file.ts'
import { CommandFailed } from './command-failed.ts'
import { WrongArguments } from './wrong-arguments.ts'

/** What the operator can correct is told in a sentence and ends with 2; everything else with its stack and 1. */
export function readableError(error: unknown): { message: string; exitCode: 1 | 2 } {
  const correctable = [
    ConfigError,
    DatabaseUnusable,
    DataDirectoryInUse,
    DataDirectoryUnusable,
    WrongSecret,
    CannotListen,
    WrongArguments,
    InvalidControls,
    QueueNotMigrated,
  ]
  if (correctable.some((kind) => error instanceof kind))
    return { message: (error as Error).message, exitCode: 2 }
  if (error instanceof ApiError || error instanceof CommandFailed)
    return { message: error.message, exitCode: 1 }
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error), exitCode: 1 }
}
