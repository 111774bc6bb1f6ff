import type { CampaignState, Template } from '@fairway/api'
import { Button, Group, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useSaveCampaign } from '../../api/campaigns.ts'
import { findMailProblem, readTemplate } from '../../api/templates.ts'
import type { Campaign } from '../../api/types.ts'
import { Dialog } from '../../components/dialog.tsx'
import { AnchorLink } from '../../components/links.tsx'
import { campaignStates } from '../../components/state-badge.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'
import { useWhereMailGoes } from './where-mail-goes.ts'

const states = ['off', 'test', 'live'] as const
const nameOf = (state: CampaignState) => campaignStates[state].label.toLowerCase()

interface Asked {
  state: CampaignState
  problem: string | null
  /** The template that keeps the campaign from the state: nothing to ask about. */
  refused?: Template
}

/** Why the server would not make a campaign live with it. */
function refusalOf({ fromAddress, senderProblem, subject, html, text }: Template): string | undefined {
  if (!fromAddress?.trim()) return 'Its template has no sender: it needs a From address.'
  if (senderProblem) return `The sender of its template cannot work: ${senderProblem}.`
  if (!subject.trim()) return 'Its template has no subject.'
  if (!html.trim() && !text?.trim()) return 'Its template has no content.'
}

const titleOf = ({ name }: Campaign, asked: Asked | undefined) => {
  if (asked?.refused) return `${name} cannot be live yet`
  return asked?.problem ? 'Its mails cannot be made' : `Make ${name} live?`
}

/**
 * Before a campaign goes on, its template is tried: one that cannot be rendered would fail mail by mail. Live asks, once, with
 * all there is to say. What was switched can be switched back.
 */
export function StateSwitch({ project, campaign }: { project: string; campaign: Campaign }) {
  const [asked, setAsked] = useState<Asked>()
  const whereMailGoes = useWhereMailGoes(project)
  const save = useSaveCampaign(project, campaign.id)
  const attempt = useMutation({
    mutationFn: async (state: CampaignState): Promise<Asked> => {
      const template = await readTemplate(project, campaign.templateId)
      const refusal = state === 'live' ? refusalOf(template) : undefined
      if (refusal) return { state, problem: refusal, refused: template }
      return { state, problem: await findMailProblem(project, template.id) }
    },
  })
  const failed = (error: Error) => notifyError('Could not change the state', error)
  const change = (state: CampaignState, before?: CampaignState) =>
    save.mutate(
      { state },
      {
        onSuccess: () =>
          notifySuccess(
            `${campaign.name} is ${nameOf(state)}`,
            whereMailGoes(state),
            before && { label: `Make it ${nameOf(before)} again`, onClick: () => change(before) },
          ),
        onError: failed,
      },
    )
  const choose = (state: CampaignState) => {
    if (state === 'off') return change(state, campaign.state)
    attempt.mutate(state, {
      onSuccess: (found) =>
        found.problem === null && state === 'test' ? change(state, campaign.state) : setAsked(found),
      onError: failed,
    })
  }
  const shown = save.isPending ? (save.variables.state ?? campaign.state) : campaign.state
  return (
    <>
      {/* Buttons, not radios: those change with every arrow key on the way to another. */}
      <Button.Group aria-label={`State of ${campaign.name}`} style={{ position: 'relative', zIndex: 1 }}>
        {states.map((state) => (
          <Button
            key={state}
            size="compact-sm"
            variant={state === shown ? 'filled' : 'default'}
            color={campaignStates[state].color}
            autoContrast
            aria-pressed={state === shown}
            onClick={() => state !== shown && !attempt.isPending && choose(state)}
          >
            {campaignStates[state].label}
          </Button>
        ))}
      </Button.Group>
      <Dialog
        opened={asked !== undefined}
        onClose={() => setAsked(undefined)}
        title={titleOf(campaign, asked)}
      >
        {asked?.problem ? (
          <>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {asked.problem}
            </Text>
            <Text size="sm" mt="sm">
              {asked.refused ? (
                <>
                  Change the template{' '}
                  <AnchorLink
                    underline="always"
                    to="/projects/$project/templates/$template"
                    params={{ project, template: String(asked.refused.id) }}
                  >
                    {asked.refused.name}
                  </AnchorLink>{' '}
                  first.
                </>
              ) : (
                `Until the template is repaired, every message of ${campaign.name} may fail like this.`
              )}
            </Text>
          </>
        ) : (
          <Text size="sm">
            From now on everybody who does “{campaign.triggerEvent}”
            {campaign.conditions && ' and matches its conditions'} gets its mail. {whereMailGoes('live')}
          </Text>
        )}
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={() => setAsked(undefined)} data-autofocus>
            Cancel
          </Button>
          {!asked?.refused && (
            <Button
              color={asked?.problem ? 'red' : undefined}
              onClick={() => {
                if (asked) change(asked.state)
                setAsked(undefined)
              }}
            >
              Make it {asked && nameOf(asked.state)}
              {asked?.problem && ' all the same'}
            </Button>
          )}
        </Group>
      </Dialog>
    </>
  )
}
