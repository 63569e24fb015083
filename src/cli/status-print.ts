import { formatAge, formatTable, showControls } from '../observe/mod.ts';
import type { StatusFinding } from './status-findings.ts';
import type { NodeStatus } from './status-page.ts';

/** One look at the node, for people. What is wrong comes last, where a terminal shows it. */
export function formatStatus(status: NodeStatus, findings: readonly StatusFinding[]): string {
  const { now, agent } = status;
  const verdict = findings.length === 0 ? 'healthy' : 'not healthy';
  return [
    `${agent.node}: ${verdict}`,
    `waypost ${agent.version} in mode ${agent.mode}, running for ${formatAge(now - agent.startedAt)}`,
    ...(status.nodeEligible ? [] : [tellIneligible]),
    `DNS ${tellDns(status)}, ingress ${tellIngress(status)}`,
    ...formatFamilies(status),
    ...formatHealthChecks(status),
    ...formatProblems(status),
    ...(findings.length === 0 ? [] : ['', ...findings.map(({ message, advice }) => `${message}: ${advice}`)]),
    '',
  ].join('\n');
}

const tellIneligible = 'the Node is unknown or about to leave: /healthz sends load balancers to other nodes';

function tellDns({ dns: { configured, running, ready } }: NodeStatus): string {
  if (!configured) return 'off';
  return running ? `on, ${ready ? 'ready' : 'not ready'}` : 'off, though configured';
}

function tellIngress({ ingress: { running, publications } }: NodeStatus): string {
  return running ? `on, ${publications} published` : 'off';
}

function formatFamilies({ families, now }: NodeStatus): readonly string[] {
  if (families.length === 0) return [];
  const columns = [
    { title: 'FAMILY' },
    { title: 'LAST SYNC', align: 'right' as const },
    { title: 'WAITS SINCE', align: 'right' as const },
    { title: 'DONE', align: 'right' as const },
    { title: 'PENDING', align: 'right' as const },
    { title: 'REFUSED', align: 'right' as const },
  ];
  const ago = (time: number | null, never: string): string => (time === null ? never : `${formatAge(now - time)} ago`);
  const cells = families.map(({ family, lastUpdated, pendingSince, frontends }) => [
    family,
    ago(lastUpdated, 'never'),
    ago(pendingSince, '-'),
    ...[frontends.Done, frontends.Pending, frontends.Error].map(String),
  ]);
  return table(columns, cells);
}

function formatHealthChecks({ healthChecks }: NodeStatus): readonly string[] {
  if (healthChecks.length === 0) return [];
  const columns = [
    { title: 'HEALTH CHECK OF' },
    { title: 'FAMILY' },
    { title: 'PORT', align: 'right' as const },
    { title: 'LISTENS' },
    { title: 'LOCAL ENDPOINTS', align: 'right' as const },
  ];
  const cells = healthChecks.map(({ service, family, port, listening, localEndpoints }) => [
    service,
    family,
    String(port),
    listening ? 'yes' : 'no',
    String(localEndpoints),
  ]);
  return table(columns, cells);
}

function formatProblems({ problems, now }: NodeStatus): readonly string[] {
  if (problems.length === 0) return [];
  const lines = problems.map(({ code, message, at, times }) => {
    const often = times === 1 ? '' : `, ${times} times`;
    return `  ${formatAge(now - at)} ago${often}: ${showControls(message)} (${showControls(code)})`;
  });
  return ['', 'Problems of the last ten minutes:', ...lines];
}

function table(columns: Parameters<typeof formatTable>[0], cells: Parameters<typeof formatTable>[1]): readonly string[] {
  return ['', ...formatTable(columns, cells).trimEnd().split('\n')];
}
