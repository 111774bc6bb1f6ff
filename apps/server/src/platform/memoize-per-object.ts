/** `make`, called once for each object: what it made is kept as long as the object is, and beside it, not in it. */
export function memoizePerObject<Of extends object, Made extends object>(
  make: (of: Of) => Made,
): (of: Of) => Made {
  const kept = new WeakMap<Of, Made>()
  return (of) => {
    let made = kept.get(of)
    if (!made) kept.set(of, (made = make(of)))
    return made
  }
}
