import { randomInt } from 'node:crypto'
import {
  type Context,
  type Emitter,
  filters,
  Liquid,
  LiquidError,
  type LiquidOptions,
  Tag,
  type TagToken,
  type Template,
  type TopLevelToken,
} from 'liquidjs'
import { asDate, platformFilters } from './filters.ts'
import { maxRenderedLength, maxTemplateLength } from './limits.ts'
import { markValue } from './sender.ts'
import { TemplateError } from './template-error.ts'

/**
 * Liquid's own accounting of strings and arrays made while rendering, and of time. It looks between tags only; what these
 * don't see, the limits of the render process end.
 */
const memoryLimit = 20_000_000
const renderLimitMs = 1_000

class FetchTag extends Tag {
  constructor(token: TagToken, rest: TopLevelToken[], liquid: Liquid) {
    super(token, rest, liquid)
    throw new Error(
      `the tag "${token.name}" is not available: templates make no requests while they are rendered`,
    )
  }

  override render() {}
}

/** `{% random 20 %}`: a whole number from 0 to 19. */
class RandomTag extends Tag {
  readonly #limit: number

  constructor(token: TagToken, rest: TopLevelToken[], liquid: Liquid) {
    super(token, rest, liquid)
    this.#limit = Number(token.args.trim())
    if (!Number.isSafeInteger(this.#limit) || this.#limit < 1 || this.#limit > 2 ** 32) {
      throw new Error('"random" needs a whole number greater than 0, as in {% random 20 %}')
    }
  }

  override render(_context: Context, emitter: Emitter) {
    emitter.write(String(randomInt(this.#limit)))
  }
}

/** What writes values past the marks that tell them from the author's text; see sender.ts. */
class UnmarkedTag extends Tag {
  constructor(token: TagToken, rest: TopLevelToken[], liquid: Liquid) {
    super(token, rest, liquid)
    throw new Error(`the tag "${token.name}" is not available here: write a value as {{ value }}`)
  }

  override render() {}
}

function createEngine(more: LiquidOptions = {}): Liquid {
  const liquid = new Liquid({
    ...more,
    // No file is ever read: `include`, `render` and `layout` find nothing.
    templates: {},
    strictFilters: true,
    ownPropertyOnly: true,
    // A date with an offset is shown in that offset, everything else in UTC, wherever the server stands.
    preserveTimezones: true,
    timezoneOffset: 0,
    locale: 'en-US',
    parseLimit: maxTemplateLength,
    renderLimit: renderLimitMs,
    memoryLimit,
  })
  for (const [name, filter] of Object.entries(platformFilters)) liquid.registerFilter(name, filter)
  for (const [name, filter] of Object.entries(filters)) {
    if (!/^date/.test(name) || typeof filter !== 'function') continue
    liquid.registerFilter(name, function (value, ...rest) {
      return filter.call(this, asDate(value), ...rest)
    })
  }
  liquid.registerTag('random', RandomTag)
  liquid.registerTag('fetch_html', FetchTag)
  liquid.registerTag('fetch_json', FetchTag)
  return liquid
}

const engine = createEngine()

/** Of senders and reply-to. */
const senderEngine = createEngine({ outputEscape: markValue })
for (const name of ['echo', 'cycle']) senderEngine.registerTag(name, UnmarkedTag)
senderEngine.registerFilter('raw', (value: unknown) => value)

/** Throws {@link TemplateError} with the line and column of the mistake. */
export const parseLiquid = (part: string, source: string): Template[] => parseWith(engine, part, source)

/** Values are marked when it is rendered. Throws {@link TemplateError}. */
export const parseSenderLiquid = (part: string, source: string): Template[] =>
  parseWith(senderEngine, part, source)

function parseWith(liquid: Liquid, part: string, source: string): Template[] {
  if (source.length > maxTemplateLength) {
    throw new TemplateError(part, `is longer than ${maxTemplateLength} characters`)
  }
  try {
    return liquid.parse(source)
  } catch (error) {
    throw toTemplateError(part, error)
  }
}

/** Throws {@link TemplateError}. */
export function renderLiquid(part: string, template: Template[], scope: object): string {
  let rendered: string
  try {
    rendered = String(engine.renderSync(template, scope) ?? '')
  } catch (error) {
    throw toTemplateError(part, error)
  }
  if (rendered.length > maxRenderedLength) {
    throw new TemplateError(part, `renders to more than ${maxRenderedLength} characters`)
  }
  return rendered
}

/** What liquidjs says of its limits, as somebody says it who writes templates. */
const limitWords = new Map([
  [
    'memory alloc limit exceeded',
    `it makes more text or longer lists than a template may (${memoryLimit / 1_000_000} million items); shorten the loop`,
  ],
  [
    'template render limit exceeded',
    `it takes longer than ${renderLimitMs / 1_000} s to render; shorten its loops`,
  ],
])

function toTemplateError(part: string, error: unknown): TemplateError {
  if (!LiquidError.is(error))
    return new TemplateError(part, error instanceof Error ? error.message : String(error))
  const [line, column] = (error.token as unknown as { getPosition(): [number, number] }).getPosition()
  const problem = error.message.replace(/, line:\d+, col:\d+$/, '')
  return new TemplateError(part, limitWords.get(problem) ?? problem, line, column)
}
