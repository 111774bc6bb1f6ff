import type { Json } from '@fairway/queue'
import type { ColumnType, GeneratedAlways, Generated as KyselyGenerated } from 'kysely'

/**
 * The tables of `migrations/`, for kysely. `bigint` columns are numbers (see database.ts). jsonb columns are written
 * as JSON text (`JSON.stringify`), because pg would send an array as a PostgreSQL array.
 */
export interface Schema {
  projects: Projects
  api_keys: ApiKeys
  people: People
  person_aliases: PersonAliases
  erasures: Erasures
  person_changes: PersonChanges
  events: Events
  ingest_keys: IngestKeys
  counters: Counters
  ingest_rejects: IngestRejects
  templates: Templates
  behavioral_campaigns: BehavioralCampaigns
  messages: Messages
  frequency_holds: FrequencyHolds
  attachments: Attachments
  suppressions: Suppressions
  providers: Providers
  sending_domains: SendingDomains
  mailbox: Mailbox
  installation: Installation
  segments: Segments
  segment_members: SegmentMembers
  segment_due: SegmentDue
  changed_people: ChangedPeople
  changed_batches: ChangedBatches
  event_names: EventNames
  property_types: PropertyTypes
  person_labels: PersonLabels
  erasure_receipts: ErasureReceipts
  tasks: Tasks
  files: Files
  file_chunks: FileChunks
  exports: Exports
  sources: Sources
  sign_in_attempts: SignInAttempts
  sending_holds: SendingHolds
  person_inner_names: PersonInnerNames
  address_consents: AddressConsents
  imports: Imports
  import_rejects: ImportRejects
  import_changes: ImportChanges
}

type Timestamp = ColumnType<Date, Date | string, Date | string>
type Generated<T> =
  T extends ColumnType<infer S, infer I, infer U> ? ColumnType<S, I | undefined, U> : KyselyGenerated<T>
type JsonObject = { [key: string]: Json | undefined }
type Jsonb<T> = ColumnType<T, string, string>
type JsonbOrNull<T> = ColumnType<T | null, string | null | undefined, string | null>
/** May be left out of an insert. */
type Optional<T> = ColumnType<T | null, T | null | undefined, T | null>

export interface Projects {
  id: GeneratedAlways<number>
  organization_id: Optional<string>
  name: string
  mode: Generated<'test' | 'live'>
  test_address: Optional<string>
  timezone: Generated<string>
  event_retention_days: Optional<number>
  settings: Generated<Jsonb<JsonObject>>
  created_at: Generated<Timestamp>
  deleted_at: Optional<Date>
  default_country: Optional<string>
  updated_at: Generated<Timestamp>
}

export interface ApiKeys {
  id: GeneratedAlways<number>
  project_id: number
  kind: 'tracking' | 'secret'
  name: Generated<string>
  hash: Buffer
  prefix: string
  created_at: Generated<Timestamp>
  last_used_at: Optional<Date>
  revoked_at: Optional<Date>
}

export interface AddressConsents {
  project_id: number
  address: string
  register: string
  at: number
  value: boolean
}

export interface People {
  project_id: number
  id: GeneratedAlways<number>
  external_id: Optional<string>
  anonymous_id: Optional<string>
  email: Optional<string>
  folded_email: Optional<string>
  provisional: Generated<boolean>
  phone: Optional<string>
  timezone: Optional<string>
  language: Optional<string>
  properties: Generated<Jsonb<JsonObject>>
  written: Generated<Jsonb<Record<string, number>>>
  tags: Generated<string[]>
  channels: Generated<Jsonb<Json[]>>
  topics: Generated<Jsonb<Record<string, boolean>>>
  subscribed: Generated<boolean>
  suppressed: Generated<boolean>
  created_at: Generated<Timestamp>
  updated_at: Generated<Timestamp>
}

export interface PersonAliases {
  project_id: number
  alias: string
  kind: 'external' | 'anonymous'
  person_id: number
  created_at: Generated<Timestamp>
}

export interface Erasures {
  project_id: number
  id_hash: Buffer
  erased_at: Generated<Timestamp>
  job_id: Generated<string>
}

export interface PersonChanges {
  project_id: number
  person_id: number
  id: GeneratedAlways<number>
  kind: string
  detail: Generated<Jsonb<JsonObject>>
  at: Timestamp
}

export interface Events {
  project_id: number
  person_id: number
  id: string
  name: string
  folded_name: string
  properties: Generated<Jsonb<JsonObject>>
  source: Optional<string>
  occurred_at: Timestamp
  received_at: Generated<Timestamp>
}

export interface IngestKeys {
  project_id: number
  key: string
  job_id: string
  seen_at: Timestamp
  expires_at: Timestamp
}

export interface Counters {
  project_id: number
  name: string
  hour: Timestamp
  value: Generated<number>
}

export interface IngestRejects {
  project_id: number
  id: GeneratedAlways<number>
  at: Generated<Timestamp>
  reason: string
  item: Jsonb<Json>
  rejected: Generated<boolean>
}

export interface Templates {
  project_id: number
  id: GeneratedAlways<number>
  key: Optional<string>
  name: string
  from_address: Optional<string>
  reply_to: Optional<string>
  subject: Generated<string>
  preheader: Optional<string>
  html: Generated<string>
  text: Optional<string>
  headers: Generated<Jsonb<Record<string, string>>>
  created_at: Generated<Timestamp>
  updated_at: Generated<Timestamp>
}

export interface BehavioralCampaigns {
  project_id: number
  id: GeneratedAlways<number>
  name: string
  state: Generated<'off' | 'test' | 'live'>
  trigger_event: string
  folded_trigger: string
  wait: Generated<Jsonb<JsonObject>>
  conditions: JsonbOrNull<Json>
  frequency: JsonbOrNull<JsonObject>
  template_id: number
  transactional: Generated<boolean>
  created_at: Generated<Timestamp>
  updated_at: Generated<Timestamp>
}

export type MessageState = 'pending' | 'claimed' | 'sent' | 'failed' | 'skipped' | 'unknown'

export interface Messages {
  project_id: number
  id: string
  cause: string
  class: 'transactional' | 'behavioral'
  channel: Generated<string>
  person_id: Optional<number>
  campaign_id: Optional<number>
  template_id: Optional<number>
  event_id: Optional<string>
  event_at: Optional<Date>
  state: Generated<MessageState>
  reason: Optional<string>
  recipient: Optional<string>
  subject: Optional<string>
  input: Generated<Jsonb<JsonObject>>
  claim: Optional<string>
  attempts: Generated<number>
  renders: Generated<number>
  provider: Optional<string>
  provider_message_id: Optional<string>
  due_at: Generated<Timestamp>
  next_try_at: Optional<Date>
  claimed_at: Optional<Date>
  settled_at: Optional<Date>
  history: Generated<Jsonb<Json[]>>
  created_at: Generated<Timestamp>
  test: Generated<boolean>
  opened_at: Optional<Date>
  clicked_at: Optional<Date>
}

export interface FrequencyHolds {
  project_id: number
  campaign_id: number
  person_id: number
  test: boolean
  message_id: string
  held_at: Timestamp
}

export interface Attachments {
  project_id: number
  message_id: string
  position: number
  filename: string
  content: Buffer
}

export interface Suppressions {
  project_id: number
  address: string
  reason: string
  created_at: Generated<Timestamp>
}

export interface Providers {
  project_id: number
  id: GeneratedAlways<number>
  channel: Generated<string>
  kind: string
  name: Generated<string>
  config: Buffer
  limits: Generated<Jsonb<JsonObject>>
  active: Generated<boolean>
  created_at: Generated<Timestamp>
  updated_at: Generated<Timestamp>
  tested_at: Optional<Date>
  test_error: Optional<string>
}

export interface SendingDomains {
  project_id: number
  domain: string
  selector: string
  private_key: Buffer
  public_key: string
  created_at: Generated<Timestamp>
}

export interface Mailbox {
  project_id: number
  id: GeneratedAlways<number>
  message_id: string
  envelope_from: string
  envelope_to: string[]
  subject: Generated<string>
  source: Buffer
  received_at: Generated<Timestamp>
}

export interface Installation {
  key: string
  value: Jsonb<Json>
}

export type TaskState = 'waiting' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled'

export interface Tasks {
  project_id: number
  id: GeneratedAlways<number>
  kind: string
  title: Generated<string>
  state: Generated<TaskState>
  input: Generated<Jsonb<JsonObject>>
  cursor: JsonbOrNull<Json>
  steps: Generated<number>
  done: Generated<number>
  total: Optional<number>
  failed: Generated<number>
  detail: Generated<Jsonb<Record<string, number>>>
  message: Optional<string>
  rate: Optional<number>
  created_at: Generated<Timestamp>
  started_at: Optional<Date>
  stepped_at: Optional<Date>
  finished_at: Optional<Date>
}

export interface Files {
  project_id: number
  id: GeneratedAlways<number>
  name: string
  bytes: Generated<number>
  stored_bytes: Generated<number>
  created_at: Generated<Timestamp>
  expires_at: Optional<Date>
}

export interface FileChunks {
  project_id: number
  file_id: number
  start: number
  bytes: number
  content: Buffer
}

export interface Imports {
  project_id: number
  id: GeneratedAlways<number>
  kind: 'people' | 'events' | 'suppressions' | 'unsubscribes' | 'tags' | 'segment'
  name: string
  state: Generated<ImportState>
  source: Optional<string>
  url: Optional<Buffer>
  raw_file_id: Optional<number>
  file_id: Optional<number>
  given: Generated<Jsonb<JsonObject>>
  format: JsonbOrNull<JsonObject>
  files: Generated<Jsonb<string[]>>
  columns: Generated<Jsonb<Json[]>>
  preview: Generated<Jsonb<Json[]>>
  mapping: JsonbOrNull<JsonObject>
  options: Generated<Jsonb<JsonObject>>
  counts: Generated<Jsonb<Record<string, number>>>
  task_id: Optional<number>
  message: Optional<string>
  created_at: Generated<Timestamp>
  started_at: Optional<Date>
  finished_at: Optional<Date>
}

export type ImportState =
  | 'uploading'
  | 'fetching'
  | 'ready'
  | 'dry_run'
  | 'importing'
  | 'undoing'
  | 'undone'
  | 'failed'
  | 'done'
  | 'cancelled'

export interface ImportRejects {
  project_id: number
  import_id: number
  position: number
  line: number
  column_name: Optional<string>
  reason: string
  cells: string[]
}

export interface ImportChanges {
  project_id: number
  import_id: number
  id: GeneratedAlways<number>
  created: Generated<number[]>
  changed: Generated<Jsonb<JsonObject>>
  event_ids: Generated<string[]>
  event_times: Generated<Date[]>
  addresses: Generated<string[]>
  segment_id: Optional<number>
  members: Generated<number[]>
  touched: number
}

export interface EventNames {
  project_id: number
  folded_name: string
  name: string
  first_seen: Timestamp
  last_seen: Timestamp
}

export interface PropertyTypes {
  project_id: number
  event: string
  name: string
  type: string
  first_seen: Timestamp
  last_seen: Timestamp
}

export interface PersonLabels {
  project_id: number
  kind: 'tag' | 'topic'
  name: string
  first_seen: Timestamp
  last_seen: Timestamp
}

export interface ErasureReceipts {
  project_id: number
  id: string
  id_hash: Buffer
  erased_at: Timestamp
  requested_by: string
  removed: Jsonb<Record<string, number>>
}

export interface Segments {
  project_id: number
  id: GeneratedAlways<number>
  name: string
  kind: 'dynamic' | 'manual'
  conditions: JsonbOrNull<Json>
  version: Generated<number>
  state: Generated<'building' | 'ready'>
  built_to: Generated<number>
  build_task: Optional<number>
  built_at: Optional<Date>
  size: Generated<number>
  created_at: Generated<Timestamp>
  updated_at: Generated<Timestamp>
}

export interface SegmentMembers {
  project_id: number
  segment_id: number
  person_id: number
  entered_at: Timestamp
}

export interface SegmentDue {
  project_id: number
  person_id: number
  due_at: Timestamp
}

export interface ChangedPeople {
  project_id: number
  id: GeneratedAlways<number>
  people: number[]
  event_people: number[]
  event_names: string[]
}

export interface ChangedBatches {
  project_id: number
  id: GeneratedAlways<number>
  people: number[]
}

export interface Exports {
  project_id: number
  id: GeneratedAlways<number>
  kind: 'people' | 'events' | 'messages' | 'segment'
  format: 'csv' | 'ndjson'
  task_id: number
  file_id: number
  created_at: Timestamp
  expires_at: Timestamp
}

export interface Sources {
  project_id: number
  id: GeneratedAlways<number>
  name: string
  kind: 'postgres' | 'mysql'
  url: Buffer
  query: string
  cursor_column: Optional<string>
  every_minutes: Optional<number>
  import: Jsonb<JsonObject>
  cursor: JsonbOrNull<JsonObject>
  next_run_at: Optional<Date>
  run_state: Optional<'fetching' | 'importing' | 'done' | 'failed'>
  run_at: Optional<Date>
  run_rows: Optional<number>
  run_error: Optional<string>
  run_task: Optional<number>
  run_import: Optional<number>
  run_cursor: JsonbOrNull<JsonObject>
  created_at: Timestamp
  updated_at: Timestamp
}

export interface SignInAttempts {
  key: string
  count: number
  ends_at: Date
}

export interface SendingHolds {
  project_id: number
  id: Generated<number>
  held_at: Generated<Timestamp>
  reason: string
  confirmed_at: Optional<Date>
  confirmed_by: Optional<string>
  pending: Optional<string>
}

export interface PersonInnerNames {
  project_id: number
  person_id: number
  name: string
}
