import { formatAge } from '../observe/mod.ts';
import type { FamilyStatus, NodeStatus } from './status-page.ts';

/** Something that is wrong with the node now. */
export interface StatusFinding {
  readonly message: string;
  /** What to look at. */
  readonly advice: string;
}

/** All that is wrong with the node, in the order in which one thing leads to the next; empty: it is healthy. Pure. */
export function judgeStatus(status: NodeStatus): readonly StatusFinding[] {
  return [
    ...judgeStart(status),
    ...status.families.flatMap((family) => judgeFamily(family, status)),
    ...judgeHealthChecks(status),
    ...judgeDns(status),
  ];
}

function judgeStart({ synced, families }: NodeStatus): readonly StatusFinding[] {
  if (synced) return [];
  if (families.length === 0) {
    return [
      {
        message: 'the agent has not begun to write rules: it waits for the API server, or for its Node',
        advice: 'look at its log for what it waits for',
      },
    ];
  }
  return [{ message: 'the first sync is not complete', advice: 'wait, or look at the problems and the log of the agent' }];
}

function judgeFamily({ family, healthy, pendingSince, frontends }: FamilyStatus, { now }: NodeStatus): readonly StatusFinding[] {
  const late =
    healthy || pendingSince === null
      ? []
      : [
          {
            message: `${family}: a change has waited for the kernel for ${formatAge(now - pendingSince)}`,
            advice: 'look at the problems and the log of the agent for why its syncs fail',
          },
        ];
  const refused =
    frontends.Error === 0
      ? []
      : [
          {
            message: `${family}: the kernel refused ${frontends.Error} ${frontends.Error === 1 ? 'frontend' : 'frontends'}`,
            advice: 'waypost services --errors says which and why',
          },
        ];
  return [...late, ...refused];
}

function judgeHealthChecks({ healthChecks }: NodeStatus): readonly StatusFinding[] {
  return healthChecks
    .filter(({ listening }) => !listening)
    .map(({ service, family, port }) => ({
      message: `health check port ${port} of ${service} cannot be listened on in ${family}: load balancers take this node for dead`,
      advice: `see who has the port: ss -ltnp sport = :${port}`,
    }));
}

function judgeDns({ synced, dns }: NodeStatus): readonly StatusFinding[] {
  // Before the first sync the resolver waits as everything else does.
  if (!dns.configured || !synced || dns.ready) return [];
  if (!dns.running) {
    return [
      {
        message: 'DNS is configured and off: its configuration could not be used',
        advice: 'waypost check with the flags of waypost run says what is wrong with it; mend it and start the agent again',
      },
    ];
  }
  return [{ message: 'DNS is on and not ready', advice: 'look at the log of the agent for WP_DNS codes' }];
}
