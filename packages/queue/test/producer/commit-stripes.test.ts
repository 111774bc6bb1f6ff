import { describe, expect, it } from 'vitest'
import { CommitStripes } from '../../src/producer/commit-stripes.ts'

const call = (jobs: number, ...tenants: string[]) =>
  tenants.flatMap((tenant) => Array.from({ length: jobs }, () => ({ tenant })))

describe('CommitStripes', () => {
  it('keeps few jobs together, in the first stripe', () => {
    const stripes = new CommitStripes(2)
    for (let n = 0; n < 64; n++) expect(stripes.enter(call(1, `t${n}`))).toBe(0b01)
  })

  it('uses another stripe from many jobs on, and keeps each tenant in its own', () => {
    const stripes = new CommitStripes(2)
    expect(stripes.enter(call(1_000, 'a'))).toBe(0b01)
    expect(stripes.enter(call(1_000, 'b'))).toBe(0b10)
    expect(stripes.enter(call(1, 'b'))).toBe(0b10)
    expect(stripes.enter(call(1, 'a'))).toBe(0b01)
  })

  it('a call whose tenants are in several stripes takes all of them', () => {
    const stripes = new CommitStripes(3)
    stripes.enter(call(1_000, 'a'))
    stripes.enter(call(1_000, 'b'))
    expect(stripes.enter(call(1, 'a', 'new', 'b'))).toBe(0b011)
    expect(stripes.enter(call(1_000, 'new', 'c'))).toBe(0b010)
  })

  it('forgets a tenant with its last job', () => {
    const stripes = new CommitStripes(2)
    const many = call(1_000, 'a')
    const [first, second] = [stripes.enter(many), stripes.enter(call(1_000, 'b'))]
    const more = call(2, 'b')
    expect(stripes.enter(more)).toBe(second)
    stripes.leave(many, first)
    stripes.leave(call(1_000, 'b'), second)
    expect(stripes.enter(call(1, 'b'))).toBe(second)
    stripes.leave(more, second)
    stripes.leave(call(1, 'b'), second)
    expect(stripes.enter(call(1, 'b'))).toBe(first)
  })

  it('a store that takes one append at a time has one stripe', () => {
    const stripes = new CommitStripes(1)
    for (const tenant of ['a', 'b']) expect(stripes.enter(call(10_000, tenant))).toBe(stripes.all)
  })
})
