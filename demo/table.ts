import type { Client } from './client.ts'

interface Overview {
  totals: { sent: number; kept: number }
  queue: {
    lane: string
    waiting: number
    timeInQueue: { p50Ms: number; p99Ms: number; jobs: number } | null
  }[]
}

export interface Snapshot {
  seconds: number
  memoryMb: number
  projects: {
    name: string
    accepted: number
    waiting: number
    sent: number
    ingest: { p50Ms: number; p99Ms: number } | null
    /** Transactional and behavioral mail, the slower of the two. */
    mail: { p50Ms: number; p99Ms: number } | null
  }[]
}

export async function takeSnapshot(url: string, clients: Client[], startedAt: number): Promise<Snapshot> {
  const [metrics, ...overviews] = await Promise.all([
    fetch(`${url}/metrics`).then((response) => response.text()),
    ...clients.map((client) => client.rest<Overview>('GET', '/overview?hours=1')),
  ])
  return {
    seconds: Math.round((performance.now() - startedAt) / 1_000),
    memoryMb: Math.round(Number(/^process_resident_memory_bytes (\S+)/m.exec(metrics)?.[1] ?? 0) / 2 ** 20),
    projects: clients.map((client, index) => {
      const { queue, totals } = overviews[index]!
      const of = (...lanes: string[]) =>
        queue
          .filter(({ lane }) => lanes.includes(lane))
          .flatMap(({ timeInQueue }) => timeInQueue ?? [])
          .sort((a, b) => b.p99Ms - a.p99Ms)[0] ?? null
      return {
        name: client.project.name,
        accepted: client.accepted,
        waiting: queue.reduce((sum, { waiting }) => sum + waiting, 0),
        sent: totals.sent + totals.kept,
        ingest: of('ingest'),
        mail: of('transactional', 'automation'),
      }
    }),
  }
}

const count = (value: number) => value.toLocaleString('en')
const time = (ms: number) => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`)
const pair = (times: { p50Ms: number; p99Ms: number } | null) =>
  times ? `${time(times.p50Ms)} / ${time(times.p99Ms)}` : '–'

export function renderTable(snapshot: Snapshot): string {
  const header = ['project', 'accepted', 'waiting', 'ingest p50 / p99', 'mail p50 / p99', 'mails sent']
  const rows = snapshot.projects.map((project) => [
    project.name,
    count(project.accepted),
    count(project.waiting),
    pair(project.ingest),
    pair(project.mail),
    count(project.sent),
  ])
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  )
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('   ')
  return [
    `${snapshot.seconds} s   server memory ${snapshot.memoryMb} MB   (p50 / p99: time in the queue, last minute)`,
    '',
    line(header),
    widths.map((width) => '─'.repeat(width)).join('   '),
    ...rows.map(line),
  ].join('\n')
}
