/** What the caller of a command must correct. */
export class WrongArguments extends Error {}
