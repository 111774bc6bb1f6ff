import { lazyRouteComponent } from '@tanstack/react-router'

/** The code of a page could not be loaded: the server is away, or was upgraded since this console was opened. */
export class PageMissing extends Error {
  constructor(cause: unknown) {
    super('The code of this page could not be loaded.', { cause })
    this.name = 'PageMissing'
  }
}

/**
 * A page whose code loads when it is needed. The router would load the whole console again when that fails, and with the
 * server away that leaves the browser with nothing: what is open stays open, and says what is the matter.
 */
export const page: typeof lazyRouteComponent = (importer, name) =>
  lazyRouteComponent(
    () =>
      importer().catch((error: unknown) => {
        throw new PageMissing(error)
      }),
    name,
  )
