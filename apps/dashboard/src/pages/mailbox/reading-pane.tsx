import type { MailDetail } from '@fairway/api'
import { Badge, Box, Group, Table, Tabs, Text, Title } from '@mantine/core'
import { IconPaperclip } from '@tabler/icons-react'
import { projectPath } from '../../api/client.ts'
import { useMail } from '../../api/messages.ts'
import { BackLink } from '../../components/back-link.tsx'
import { CodeBlock } from '../../components/code-block.tsx'
import { HtmlFrame } from '../../components/html-frame.tsx'
import { AnchorLink } from '../../components/links.tsx'
import { QueryView } from '../../components/query-view.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { formatBytes } from '../../lib/format.ts'

export function ReadingPane({ project, id }: { project: string; id: string }) {
  const mail = useMail(project, id)
  return (
    <Box p="lg">
      <Box hiddenFrom="md">
        <BackLink to="/projects/$project/mailbox" params={{ project }}>
          All mails
        </BackLink>
      </Box>
      <QueryView query={mail} what="this mail">
        {(data) => <Mail project={project} mail={data} />}
      </QueryView>
    </Box>
  )
}

function Mail({ project, mail }: { project: string; mail: MailDetail }) {
  return (
    <article aria-label={mail.subject}>
      <Title order={2} style={{ overflowWrap: 'anywhere' }}>
        {mail.subject || '(no subject)'}
      </Title>
      <Group justify="space-between" mt={4} mb="md" gap="xs">
        <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {mail.envelopeFrom} → {mail.envelopeTo.join(', ')} · <TimeAgo at={mail.receivedAt} />
        </Text>
        <AnchorLink
          size="sm"
          to="/projects/$project/messages/$message"
          params={{ project, message: mail.messageId }}
        >
          Its message
        </AnchorLink>
      </Group>
      <Attachments attachments={mail.attachments} />
      <Tabs defaultValue={mail.html ? 'html' : 'text'} keepMounted={false}>
        <Tabs.List mb="md">
          {mail.html && <Tabs.Tab value="html">HTML</Tabs.Tab>}
          <Tabs.Tab value="text">Text</Tabs.Tab>
          <Tabs.Tab value="headers">Headers</Tabs.Tab>
          <Tabs.Tab value="source">Source</Tabs.Tab>
        </Tabs.List>
        {mail.html && (
          <Tabs.Panel value="html">
            <HtmlFrame
              source={{ src: projectPath(project, 'mailbox', mail.id, 'html') }}
              title={`The mail “${mail.subject}”`}
            />
          </Tabs.Panel>
        )}
        <Tabs.Panel value="text">
          <CodeBlock code={mail.text ?? ''} label="the text version" maxHeight="60vh" />
        </Tabs.Panel>
        <Tabs.Panel value="headers">
          <Headers headers={mail.headers} />
        </Tabs.Panel>
        <Tabs.Panel value="source">
          <CodeBlock code={mail.source} label="the source" maxHeight="60vh" />
        </Tabs.Panel>
      </Tabs>
    </article>
  )
}

function Attachments({ attachments }: { attachments: MailDetail['attachments'] }) {
  if (attachments.length === 0) return null
  return (
    <Group component="ul" gap="xs" mb="md" p={0} m={0} aria-label="Attachments">
      {attachments.map(({ filename, contentType, bytes }, index) => (
        <Badge
          // biome-ignore lint/suspicious/noArrayIndexKey: two attachments may look the same, and the list never changes
          key={index}
          component="li"
          variant="default"
          tt="none"
          fw={500}
          leftSection={<IconPaperclip size={12} />}
        >
          {filename ?? contentType}, {formatBytes(bytes)}
        </Badge>
      ))}
    </Group>
  )
}

function Headers({ headers }: { headers: MailDetail['headers'] }) {
  return (
    <Table layout="fixed" verticalSpacing={6} aria-label="Headers">
      <Table.Tbody>
        {headers.map(({ name, value }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a header may repeat, and the list never changes
          <Table.Tr key={index}>
            <Table.Th w={{ base: 120, xs: 190 }} fz="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
              {name}
            </Table.Th>
            <Table.Td fz="xs" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
              {value}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
