export const importKinds = ['people', 'events', 'suppressions', 'unsubscribes', 'tags', 'segment'] as const

export type ImportKind = (typeof importKinds)[number]

/** Products whose exports are known. */
export const importSources = [
  ...(['vero', 'fairway', 'customerio', 'google', 'outlook', 'mailchimp', 'klaviyo', 'hubspot'] as const),
] as const

export type ImportSource = (typeof importSources)[number]
