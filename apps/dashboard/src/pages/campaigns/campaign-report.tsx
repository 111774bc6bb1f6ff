import type { CampaignReport } from '@fairway/api'
import { Group, Stack, Text } from '@mantine/core'
import { useCampaignReport } from '../../api/campaigns.ts'
import { QueryView } from '../../components/query-view.tsx'
import { Section } from '../../components/section.tsx'
import { MessageStateBadge } from '../../components/state-badge.tsx'
import { StateBars } from '../../components/state-bars.tsx'
import { formatCount } from '../../lib/format.ts'
import { explainReason } from '../messages/reasons.ts'

export function CampaignReportSection({ project, id }: { project: string; id: string }) {
  const report = useCampaignReport(project, id)
  return (
    <Section
      title="Report"
      description="What became of its messages. “Sent” means handed to the provider, “Kept in the mailbox” that it went no further."
    >
      <QueryView query={report} what="the report">
        {(data) => <Report project={project} id={id} report={data} />}
      </QueryView>
    </Section>
  )
}

function Report({ project, id, report }: { project: string; id: string; report: CampaignReport }) {
  const notSent = report.reasons.filter(({ state }) => state !== 'sent' && state !== 'kept')
  return (
    <Stack gap="lg">
      <StateBars project={project} states={report.states} campaign={id} />
      {notSent.length > 0 && (
        <Stack gap="xs">
          <Text size="sm" fw={600}>
            Why not sent
          </Text>
          {notSent.map(({ state, reason, count }) => (
            <Group key={`${state}:${reason}`} justify="space-between" wrap="nowrap" align="flex-start">
              <Group gap="xs" wrap="nowrap" align="flex-start">
                <MessageStateBadge state={state} />
                <Text size="sm">{explainReason(reason)}</Text>
              </Group>
              <Text size="sm" fw={550}>
                {formatCount(count)}
              </Text>
            </Group>
          ))}
        </Stack>
      )}
    </Stack>
  )
}
