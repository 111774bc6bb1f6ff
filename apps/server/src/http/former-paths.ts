/** Paths of the version before that have another name now; they answer for one version more, and the API reference leaves them out. */
const formerCampaigns = /^(\/api\/v1\/projects\/[^/?]{1,64})\/behavioral(?=[/?]|$)/

/** The URL under its present name; every other URL as it is. */
export const presentUrl = (url: string): string =>
  url.includes('/behavioral') ? url.replace(formerCampaigns, '$1/campaigns') : url
