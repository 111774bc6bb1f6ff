import Type, { type Static } from 'typebox'
import { allowOnly, oneOf, optionalTruth, wholeNumber } from '../check.ts'
import { checkCount, countHolds, countMeasure, countSchema, describeCount } from '../parts/count.ts'
import { closed, idSchema, maxId, oneOfSchema } from '../parts/schemas.ts'
import {
  checkWindow,
  describeWindow,
  windowOffsets,
  windowSchema,
  windowSql,
  windowTest,
} from '../parts/window.ts'
import { type Crossing, crossingSql, type LeafKind, sorted, uncrossedSql } from './kind.ts'

export const messageActions = ['sent', 'opened', 'clicked'] as const
export type MessageAction = (typeof messageActions)[number]

const schema = Type.Object(
  {
    message: oneOfSchema(messageActions),
    did: Type.Optional(Type.Boolean()),
    /** Messages, each once however often it was opened. */
    count: Type.Optional(countSchema),
    within: Type.Optional(windowSchema),
    campaign: Type.Optional(idSchema),
    template: Type.Optional(idSchema),
  },
  closed,
)
export type MessageCondition = Static<typeof schema>

const acts = {
  sent: { at: 'sentAt', column: 'h.settled_at', words: ['was sent', 'was not sent'] },
  opened: { at: 'openedAt', column: 'h.opened_at', words: ['opened', 'did not open'] },
  clicked: { at: 'clickedAt', column: 'h.clicked_at', words: ['clicked', 'did not click'] },
} as const satisfies Record<MessageAction, object>

export const message: LeafKind<MessageCondition> = {
  schema,
  check(members, path) {
    allowOnly(members, path, ['message', 'did', 'count', 'within', 'campaign', 'template'])
    oneOf(members.message, `${path}.message`, messageActions)
    optionalTruth(members.did, `${path}.did`)
    if (members.count !== undefined) checkCount(members.count, `${path}.count`)
    if (members.within !== undefined) checkWindow(members.within, `${path}.within`)
    for (const name of ['campaign', 'template'] as const)
      if (members[name] !== undefined) wholeNumber(members[name], `${path}.${name}`, 1, maxId)
  },
  describe({ message, did = true, count, within, campaign, template }) {
    const words: string[] = [
      acts[message].words[did ? 0 : 1],
      count ? `${describeCount(count)} messages` : 'a message',
    ]
    if (campaign !== undefined) words.push(`of campaign ${campaign}`)
    if (template !== undefined) words.push(`with template ${template}`)
    if (within) words.push(describeWindow(within))
    return words.join(' ')
  },
  needs: () => ({ messages: true }),
  test(leaf) {
    const did = leaf.did ?? true
    const inside = leaf.within === undefined ? () => true : windowTest(leaf.within)
    const { at: time } = acts[leaf.message]
    return ({ messages, now }) => {
      const counted = messages.filter((message) => {
        const at = message[time]
        return (
          at !== null &&
          (leaf.campaign === undefined || message.campaignId === leaf.campaign) &&
          (leaf.template === undefined || message.templateId === leaf.template) &&
          inside(at, now)
        )
      })
      return countHolds(counted.length, leaf.count) === did
    }
  },
  sql(leaf, compiler) {
    const { parameters, project } = compiler.context
    const filters = [`h.project_id = ${project}`, 'h.person_id is not null', ...happened(leaf)]
    if (leaf.within !== undefined)
      filters.push(...windowSql(acts[leaf.message].column, leaf.within, compiler.context))
    if (leaf.campaign !== undefined)
      filters.push(`h.campaign_id = ${parameters.add(leaf.campaign, 'integer')}`)
    if (leaf.template !== undefined)
      filters.push(`h.template_id = ${parameters.add(leaf.template, 'integer')}`)
    const found = compiler.history({ from: 'messages h', filters, ...countMeasure(leaf.count) })
    return (leaf.did ?? true) ? found : `(not ${found})`
  },
  due(leaf) {
    const { at } = acts[leaf.message]
    return offsetsOf(leaf).map(
      (offset): Crossing => ({
        key: `m ${at}`,
        historic: true,
        offset,
        instants: ({ messages }) => sorted(messages.map((message) => message[at])),
      }),
    )
  },
  dueSql(leaf, context) {
    const { column } = acts[leaf.message]
    const filters = [`h.project_id = ${context.project}`, 'h.person_id = p.id', ...happened(leaf)].join(
      ' and ',
    )
    return offsetsOf(leaf).map(
      (offset) =>
        `(select ${crossingSql(`min(${column})`, offset, context)} from messages h
          where ${filters} and ${uncrossedSql(column, offset, context)} having count(*) > 0)`,
    )
  },
}

const offsetsOf = ({ within }: MessageCondition) => (within === undefined ? [] : windowOffsets(within))

/** Test messages never went to anybody. */
const happened = ({ message }: MessageCondition): string[] =>
  message === 'sent'
    ? [`h.state = 'sent'`, 'not h.test']
    : [`${acts[message].column} is not null`, 'not h.test']
