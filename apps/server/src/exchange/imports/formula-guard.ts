/** What a spreadsheet would run, as OWASP lists it, and what was guarded already: so that a guard can be taken away again. */
const formula = /^'*[-=+@\t\r\n＝＋－＠]/
const plainNumber = /^[-+]?\d+(?:\.\d+)?$/

/** An apostrophe before a text that a spreadsheet would run as a formula. */
export const guardFormula = (text: string): string =>
  formula.test(text) && !plainNumber.test(text) ? `'${text}` : text

/** The text that {@link guardFormula} was given. */
export function unguardFormula(text: string): string {
  if (!text.startsWith("'")) return text
  const plain = text.slice(1)
  return guardFormula(plain) === text ? plain : text
}
