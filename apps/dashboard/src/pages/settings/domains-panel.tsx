import type { SendingDomain } from '@fairway/api'
import { Button, Card, Group, Stack, Table, Text, TextInput } from '@mantine/core'
import { IconWorld } from '@tabler/icons-react'
import { useState } from 'react'
import { useMay } from '../../api/rights.ts'
import { useAddDomain, useDomains, useRemoveDomain } from '../../api/settings.ts'
import { ConfirmButton } from '../../components/confirm-button.tsx'
import { CopyButton } from '../../components/copy-button.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ErrorState } from '../../components/error-state.tsx'
import { NeedsRight } from '../../components/needs-right.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { ReadOnlyNote } from '../../components/read-only-note.tsx'
import { Section } from '../../components/section.tsx'
import { notifyError, notifySuccess } from '../../lib/notify.tsx'

export function DomainsPanel({ project }: { project: string }) {
  const domains = useDomains(project)
  return (
    <Section
      title="Sending domains"
      description="Mail from these domains is signed (DKIM), once the record below stands in their DNS."
    >
      <ReadOnlyNote right="sending.manage" what="these domains" />
      <Stack>
        <AddDomain project={project} />
        <QueryView query={domains} what="the domains">
          {(data) => <DomainList project={project} domains={data} />}
        </QueryView>
      </Stack>
    </Section>
  )
}

function DomainList({ project, domains }: { project: string; domains: SendingDomain[] }) {
  if (domains.length === 0)
    return (
      <EmptyState icon={IconWorld} title="No domains yet">
        Add the domain of your sender addresses. Unsigned mail often lands in the spam folder.
      </EmptyState>
    )
  return domains.map((domain) => <DomainCard key={domain.domain} project={project} domain={domain} />)
}

function AddDomain({ project }: { project: string }) {
  const [domain, setDomain] = useState('')
  const add = useAddDomain(project)
  const may = useMay()
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    add.mutate(domain.trim(), { onSuccess: () => setDomain('') })
  }
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="xs">
        <TextInput
          label="Domain"
          placeholder="mail.example.com"
          required
          disabled={!may('sending.manage')}
          value={domain}
          onChange={(event) => setDomain(event.currentTarget.value)}
          style={{ flex: 1 }}
        />
        <NeedsRight right="sending.manage">
          <Button type="submit" loading={add.isPending}>
            Add
          </Button>
        </NeedsRight>
      </Group>
      {add.error && (
        <Stack mt="sm">
          <ErrorState title="Could not add the domain" error={add.error} />
        </Stack>
      )}
    </form>
  )
}

function DomainCard({ project, domain }: { project: string; domain: SendingDomain }) {
  const remove = useRemoveDomain(project)
  const onRemove = () =>
    remove.mutateAsync(domain.domain).then(
      () => notifySuccess('Domain removed'),
      (error) => {
        notifyError('Could not remove the domain', error)
        throw error
      },
    )
  return (
    <Card padding="md">
      <Group justify="space-between" mb="xs">
        <Text fw={600}>{domain.domain}</Text>
        <ConfirmButton
          needs="sending.manage"
          size="xs"
          variant="subtle"
          color="red"
          title={`Remove ${domain.domain}?`}
          message="Mail from this domain is no longer signed. Adding it again makes a new key and a new record."
          confirmLabel="Remove"
          onConfirm={onRemove}
        >
          Remove
        </ConfirmButton>
      </Group>
      <Text size="sm" c="dimmed" mb="xs">
        Add this record where the domain’s DNS is kept:
      </Text>
      <Table layout="fixed" verticalSpacing={6} aria-label={`DNS record of ${domain.domain}`}>
        <Table.Tbody>
          <RecordPart name="Type" value={domain.record.type} />
          <RecordPart name="Name" value={domain.record.name} copy />
          <RecordPart name="Value" value={domain.record.value} copy />
        </Table.Tbody>
      </Table>
    </Card>
  )
}

function RecordPart({ name, value, copy }: { name: string; value: string; copy?: boolean }) {
  return (
    <Table.Tr>
      <Table.Th w={70} fz="xs" c="dimmed" scope="row">
        {name}
      </Table.Th>
      <Table.Td ff="monospace" fz="xs" style={{ overflowWrap: 'anywhere' }}>
        {value}
      </Table.Td>
      <Table.Td w={44}>
        {copy && <CopyButton value={value} label={`Copy the ${name.toLowerCase()}`} />}
      </Table.Td>
    </Table.Tr>
  )
}
