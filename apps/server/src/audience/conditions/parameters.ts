/** Collects the values of a statement and hands out their places (`$1`, `$2`, …); a value asked for again keeps its place. */
export class Parameters {
  readonly values: unknown[] = []
  readonly #places = new Map<string, string>()

  add(value: unknown, type: string): string {
    const key =
      typeof value === 'string' || typeof value === 'number' ? `${type} ${typeof value} ${value}` : undefined
    const known = key === undefined ? undefined : this.#places.get(key)
    if (known !== undefined) return known
    this.values.push(value)
    const place = `$${this.values.length}::${type}`
    if (key !== undefined) this.#places.set(key, place)
    return place
  }
}
