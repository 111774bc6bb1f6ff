import type { CampaignState } from '@fairway/api'
import { useProviders, useSettings } from '../../api/settings.ts'

/** Where a campaign's messages go in a state: the project's mode and its providers decide as well. */
export function useWhereMailGoes(project: string): (state: CampaignState) => string {
  const settings = useSettings(project).data
  const providers = useProviders(project).data
  return (state) => {
    if (state === 'off') return 'Nothing is sent.'
    if (!settings || !providers) return ''
    const leaves = settings.installationProvider === true || providers.some(({ active }) => active)
    const isTest = state === 'test' || settings.mode === 'test'
    const why = settings.mode === 'test' ? 'The project is in test mode: messages' : 'Messages'
    if (!isTest)
      return leaves ? 'Messages go to people.' : 'No SMTP server is in use: messages wait until there is one.'
    return settings.testAddress && leaves
      ? `${why} go to ${settings.testAddress}, not to people.`
      : `${why} stay in the mailbox.`
  }
}
