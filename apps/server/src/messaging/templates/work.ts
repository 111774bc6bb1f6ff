import type { MailSource, RenderedMail } from './render.ts'
import type { ScopeSource } from './scope.ts'
import type { SenderRules } from './sender.ts'

/**
 * A kind of work that render processes do. `Shared` holds for a whole batch and `Item` for one mail of it; both cross to the
 * process, and the result back, as plain data.
 */
export interface RenderTask<Shared, Item, Result> {
  readonly name: string
  readonly types?: (shared: Shared, item: Item) => Result
}

/** Parses every part of a template. */
export const validate: RenderTask<null, MailSource, null> = { name: 'validate' }

/** The parts of a mail as its reader sees them. */
export const render: RenderTask<null, { source: MailSource; scope: ScopeSource }, RenderedMail> = {
  name: 'render',
}

/** The same as the bytes of a JSON object, with these members beside it. */
export const preview: RenderTask<
  null,
  { source: MailSource; scope: ScopeSource; senders: SenderRules; beside: Record<string, unknown> },
  Uint8Array
> = { name: 'preview' }
