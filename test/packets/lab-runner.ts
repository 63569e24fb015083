import type { ProxyMode } from '../../src/model/mod.ts';
import { patient } from '../lab/patience.ts';
import { kernelFamilies, kernelHasSctp, listenOnAll, secondNodeAddress } from '../lab/mod.ts';
import type { Attempt, Lab, Listener, Place } from '../lab/mod.ts';
import { flowsOf } from './flow.ts';
import type { Flow, From, Group } from './flow.ts';
import { hasSeenAll, judge } from './judge.ts';
import type { Outcome } from './judge.ts';
import { limitConcurrency } from './limit.ts';
import { plan } from './objects.ts';
import { hostOf, namesOf } from './senders.ts';

/**
 * A refusal comes at once. A veth carries the ICMP error back within the client's own connect call, whose
 * socket is locked, and Linux then drops it for TCP (LockDroppedIcmps): the repeated SYN a second later is
 * refused in its place. Across a real wire that does not happen; UDP shows that the first packet is answered.
 */
const latestRefusalMs = { TCP: 1900, UDP: 900, SCTP: 900 } as const;

/** What a row of the table came to. */
export interface FlowResult {
  readonly flow: Flow;
  /** Differences in words; none means the row holds. */
  readonly problems: readonly string[];
  /** Why it was not tried, or null. */
  readonly skipped: string | null;
}

/** Sockets of everything that may answer: pods, a host-network process, the gateway for what leaves the cluster. */
export async function startBackends(lab: Lab, groups: readonly Group[]): Promise<void> {
  const wildcard = lab.families.includes('IPv6') ? '::' : '0.0.0.0';
  const backends = [...lab.pods.values(), lab.node1].filter((place) => place.name !== 'c1');
  const onLoopback: Listener[] = listenOnAll([7070], '127.0.0.1');
  await Promise.all([
    ...backends.map((place) => place.listen(listenOnAll([8080, 9090], wildcard))),
    lab.node1.listen(onLoopback),
    lab.gateway.listen(listGatewaySockets(lab, groups)),
  ]);
}

/** Bound to each address, so that a datagram is answered from the address it was sent to. */
function listGatewaySockets(lab: Lab, groups: readonly Group[]): readonly Listener[] {
  const leaving = flowsOf(groups).filter((flow) => lab.families.includes(flow.family) && naturalEnd(flow) === 'gateway');
  const sockets = leaving.flatMap((flow) => {
    if (flow.protocol === 'SCTP') return [];
    return [{ protocol: flow.protocol, address: flow.destination, port: flow.port }];
  });
  return [...new Map(sockets.map((socket) => [JSON.stringify(socket), socket])).values()];
}

/** Sends every flow of a group's scenarios, many at once, and judges what happened. */
export async function runInLab(lab: Lab, group: Group, mode: ProxyMode): Promise<readonly FlowResult[]> {
  const flows = flowsOf([group], mode);
  // More at once would only measure how busy the clients are.
  const limit = limitConcurrency(32);
  return Promise.all(flows.map((flow) => limit(() => runFlow(lab, flow))));
}

async function runFlow(lab: Lab, flow: Flow): Promise<FlowResult> {
  const skipped = reasonToSkip(flow);
  if (skipped !== null) return { flow, problems: [], skipped };
  const outcomes = await observe(lab, flow);
  return { flow, problems: judge(flow, outcomes, namesOf(flow.from)), skipped: null };
}

/** Why this row cannot even be traced here, or null. */
export function reasonNotToTrace(flow: Flow): string | null {
  return kernelFamilies().includes(flow.family) ? null : `this kernel has no ${flow.family}`;
}

/** Why real packets cannot show this row here, or null. */
export function reasonToSkip(flow: Flow): string | null {
  const untraced = reasonNotToTrace(flow);
  if (untraced !== null) return untraced;
  if (flow.protocol !== 'SCTP') return null;
  const kernel = kernelHasSctp();
  return `SCTP packets are traced only: Node has no SCTP sockets${kernel.ok ? '' : `, and ${kernel.reason}`}`;
}

/** Tries until every expected back end has answered, or so often that chance is no excuse: 200 tries miss one of five once in 10^19. */
async function observe(lab: Lab, flow: Flow): Promise<readonly Outcome[]> {
  const place = placeOf(lab, flow.from);
  const single = flow.expect.verdict !== 'answered' || flow.expect.backends.length === 1;
  const outcomes: Outcome[] = [];
  do {
    // oxlint-disable-next-line no-await-in-loop -- each round depends on what the last one saw
    outcomes.push(...(await tryFlow(place, flow, single ? 3 : 10)));
  } while (!hasSeenAll(flow, outcomes) && outcomes.length < 200);
  return outcomes;
}

async function tryFlow(place: Place, flow: Flow, count: number): Promise<Outcome[]> {
  if (flow.protocol === 'SCTP') throw new TypeError('SCTP flows are not sent');
  const attempts = await place.connect(
    {
      family: flow.family,
      protocol: flow.protocol,
      destination: flow.destination,
      port: flow.port,
      timeoutMs: expectsSilence(flow) ? 1000 : patient(4000),
    },
    count,
  );
  return attempts.map((attempt) => readAttempt(flow, attempt));
}

function expectsSilence(flow: Flow): boolean {
  return flow.expect.verdict === 'timeout' || (flow.expect.verdict === 'untouched' && naturalEnd(flow) === 'timeout');
}

function readAttempt(flow: Flow, attempt: Attempt): Outcome {
  const outcome = plainOutcome(flow, attempt);
  const end = outcome.verdict === 'answered' ? outcome.backend.split(':')[0] : outcome.verdict;
  return flow.expect.verdict === 'untouched' && end === naturalEnd(flow) ? { verdict: 'untouched' } : outcome;
}

function plainOutcome(flow: Flow, attempt: Attempt): Outcome {
  if (attempt.answer !== null) {
    const { backend, port, source } = attempt.answer;
    return { verdict: 'answered', backend: `${backend}:${port}`, source };
  }
  if (attempt.verdict === 'refused' && attempt.elapsedMs >= patient(latestRefusalMs[flow.protocol])) {
    return { verdict: 'failed', code: `refused, but only after ${attempt.elapsedMs} ms` };
  }
  if (attempt.verdict === 'refused' || attempt.verdict === 'timeout') return { verdict: attempt.verdict };
  return { verdict: 'failed', code: attempt.code ?? 'unknown' };
}

/**
 * Where a packet ends that no data plane touches: at a host without such a socket, at the gateway
 * that owns all external addresses, or nowhere. A refusal at the host cannot be told from a REJECT
 * rule's; the tracer tells them apart.
 */
function naturalEnd(flow: Flow): 'refused' | 'gateway' | 'timeout' | null {
  if (flow.expect.verdict !== 'untouched') return null;
  const hosts = [plan.node1, plan.node2].map((host) => host.addresses[flow.family]);
  if ([...hosts, secondNodeAddress[flow.family], '127.0.0.1', '::1'].includes(flow.destination)) return 'refused';
  return flow.destination.startsWith('198.51.100.') || flow.destination.startsWith('2001:db8:100:') ? 'gateway' : 'timeout';
}

function placeOf(lab: Lab, from: From): Place {
  return lab.place(hostOf(from));
}
