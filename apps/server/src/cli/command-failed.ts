/** What was asked for did not come about, for a reason that the message tells: exit code 1, without a stack. */
export class CommandFailed extends Error {}
