/** The data directory can't be used as it is. The message says why, and which variable names another. */
export class DataDirectoryUnusable extends Error {
  constructor(dataDir: string, why: string, cause?: unknown) {
    super(
      `The data directory ${dataDir} can't be used: ${why}. Correct its owner and rights, ` +
        'or set FAIRWAY_DATA_DIR to a directory that Fairway may write to.',
      { cause },
    )
    this.name = 'DataDirectoryUnusable'
  }
}

/** Does something in the data directory. What the system refuses there is for the operator to correct. */
export function inDataDirectory<T>(dataDir: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { syscall, message } = error as NodeJS.ErrnoException
    throw syscall === undefined ? error : new DataDirectoryUnusable(dataDir, message, error)
  }
}
