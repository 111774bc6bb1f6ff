import type { TriggerFacts } from './facts.ts'
import type { History } from './history.ts'
import type { LeafCompiler } from './kinds/kind.ts'
import { kindOf } from './kinds.ts'
import type { Condition } from './language.ts'
import { Parameters } from './parameters.ts'
import type { SqlContext } from './sql-context.ts'
import type { Zones } from './zones.ts'

/**
 * How it is found out what can only be measured, like how often people did something. `sets` measures everybody at once and
 * joins them: right for a whole project. `probes` measures each person by index: right for a few thousand people, or when
 * other conditions leave few. Both give the same answers. Whether people did something at all is left to PostgreSQL: of an
 * `exists` it knows itself whether a hash of everybody or a look at each is cheaper.
 */
export type Strategy = 'sets' | 'probes'

/** Compiles conditions for one statement about `people p`; all of them share its parameters and its joins. */
export class ConditionCompiler implements LeafCompiler {
  readonly context: SqlContext
  readonly #strategy: Strategy
  readonly #joins: string[] = []
  readonly #joined = new Map<string, string>()

  constructor(
    projectId: number,
    now: Date,
    strategy: Strategy,
    options: { zones: Zones | undefined; parameters?: Parameters; trigger?: TriggerFacts },
  ) {
    const parameters = options.parameters ?? new Parameters()
    this.context = {
      parameters,
      now,
      trigger: options.trigger,
      zones: options.zones,
      project: parameters.add(projectId, 'integer'),
    }
    this.#strategy = strategy
  }

  get values(): unknown[] {
    return this.context.parameters.values
  }

  /** Of everything compiled so far; to be put after `people p`. */
  get joins(): string {
    return this.#joins.join('\n')
  }

  /** True or false, never null, for a row of `people p`; the counterpart of `holds`. */
  compile(condition: Condition): string {
    if ('all' in condition) return this.#group(condition.all, ' and ')
    if ('any' in condition) return this.#group(condition.any, ' or ')
    if ('not' in condition) return `(not ${this.compile(condition.not)})`
    return kindOf(condition).sql(condition, this)
  }

  #group(children: Condition[], word: string): string {
    return `(${children.map((child) => this.compile(child)).join(word)})`
  }

  history(history: History): string {
    return this.#strategy === 'probes' || isMere(history) ? probe(history) : this.#set(history)
  }

  /** Those whose rows say otherwise than no rows would are gathered; everybody else is like them who have none. */
  #set({ from, filters, measure, ofNone }: History): string {
    const set = this.#join(
      `select h.person_id from ${from} where ${filters.join(' and ')} group by h.person_id
       having ${ofNone ? 'not ' : ''}(${measure})`,
    )
    return `(${set}.person_id is ${ofNone ? '' : 'not '}null)`
  }

  /** Materialized, because every process of a parallel plan would measure everybody anew. */
  #join(select: string): string {
    let alias = this.#joined.get(select)
    if (alias === undefined) {
      alias = `s${this.#joined.size + 1}`
      this.#joined.set(select, alias)
      this.#joins.push(
        `left join (with measured as materialized (${select}) select person_id from measured) as ${alias}
         on ${alias}.person_id = p.id`,
      )
    }
    return alias
  }
}

/** Any row at all decides. */
const isMere = ({ measure }: History) => measure === 'count(*) >= 1'

function probe(history: History): string {
  const { from, filters, measure, enough } = history
  const rows = `${from} where h.person_id = p.id and ${filters.join(' and ')}`
  if (isMere(history)) return `exists (select from ${rows})`
  if (enough === undefined) return `(select ${measure} from ${rows})`
  return `(select ${measure} from (select from ${rows} limit ${enough}) as found)`
}
