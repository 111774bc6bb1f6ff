import { Campaigns } from './campaigns.ts'
import { Events } from './events.ts'
import { Messages } from './messages.ts'
import { People } from './people.ts'
import { Segments } from './segments.ts'
import { Suppressions } from './suppressions.ts'
import { type FairwayOptions, Transport } from './transport.ts'

/** A project of a Fairway server. */
export class Fairway {
  readonly people: People
  readonly events: Events
  readonly messages: Messages
  readonly campaigns: Campaigns
  readonly segments: Segments
  readonly suppressions: Suppressions

  constructor(options: FairwayOptions) {
    const transport = new Transport(options)
    this.people = new People(transport)
    this.events = new Events(transport)
    this.messages = new Messages(transport)
    this.campaigns = new Campaigns(transport)
    this.segments = new Segments(transport)
    this.suppressions = new Suppressions(transport)
  }
}
