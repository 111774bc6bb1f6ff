import type { Campaign as AnyCampaign } from '@fairway/api'
import type { Condition } from '../conditions/language.ts'

/** The server's names, as far as the console asks for them; who has which is the server's business. */
export type ProjectRight =
  | 'content.delete'
  | 'imports.undo'
  | 'keys.manage'
  | 'messages.send'
  | 'people.consent'
  | 'people.edit'
  | 'people.erase'
  | 'people.export'
  | 'project.change'
  | 'queue.manage'
  | 'sending.confirm'
  | 'sending.manage'
  | 'sources.manage'

/** With conditions as the editor knows them: of the API they are any object. */
export type WithConditions<T> = Omit<T, 'conditions'> & { conditions: Condition | null }

export type Campaign = WithConditions<AnyCampaign>
