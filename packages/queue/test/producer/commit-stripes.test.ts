import { describe, expect, it } from 'vitest'
import { TenantLines } from '../../src/producer/commit-stripes.ts'

const call = (jobs: number, ...tenants: string[]) =>
  tenants.flatMap((tenant) => Array.from({ length: jobs }, () => ({ tenant })))

describe('TenantLines', () => {
  it('keeps few jobs together, in the first line', () => {
    const lines = new TenantLines(2)
    for (let n = 0; n < 64; n++) expect(lines.enter(call(1, `t${n}`))).toBe(0b01)
  })

  it('uses another line from many jobs on, and keeps each tenant in its own', () => {
    const lines = new TenantLines(2)
    expect(lines.enter(call(1_000, 'a'))).toBe(0b01)
    expect(lines.enter(call(1_000, 'b'))).toBe(0b10)
    expect(lines.enter(call(1, 'b'))).toBe(0b10)
    expect(lines.enter(call(1, 'a'))).toBe(0b01)
  })

  it('a call whose tenants are in several lines takes all of them', () => {
    const lines = new TenantLines(3)
    lines.enter(call(1_000, 'a'))
    lines.enter(call(1_000, 'b'))
    expect(lines.enter(call(1, 'a', 'new', 'b'))).toBe(0b011)
    expect(lines.enter(call(1_000, 'new', 'c'))).toBe(0b010)
  })

  it('forgets a tenant with its last job', () => {
    const lines = new TenantLines(2)
    const many = call(1_000, 'a')
    const [first, second] = [lines.enter(many), lines.enter(call(1_000, 'b'))]
    const more = call(2, 'b')
    expect(lines.enter(more)).toBe(second)
    lines.leave(many, first)
    lines.leave(call(1_000, 'b'), second)
    expect(lines.enter(call(1, 'b'))).toBe(second)
    lines.leave(more, second)
    lines.leave(call(1, 'b'), second)
    expect(lines.enter(call(1, 'b'))).toBe(first)
  })

  it('a store that takes one append at a time has one line', () => {
    const lines = new TenantLines(1)
    for (const tenant of ['a', 'b']) expect(lines.enter(call(10_000, tenant))).toBe(lines.all)
  })
})
