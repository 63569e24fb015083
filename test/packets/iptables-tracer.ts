import { createFakeIptables, createFakeSets, createIptablesDataPlane, trace } from '../../src/iptables/mod.ts';
import type { RulesetState, TraceEnvironment, TracePacket } from '../../src/iptables/mod.ts';
import type { TraceOutcome } from '../../src/iptables/tracer.ts';
import { families, parseAddress, succeed } from '../../src/model/mod.ts';
import type { Address, Family } from '../../src/model/mod.ts';
import { deriveGroup, localAddresses } from './derive.ts';
import type { Flow, Group } from './flow.ts';
import type { Outcome } from './judge.ts';
import { hostNamed, plan } from './objects.ts';
import { hostOf } from './senders.ts';

/** All ways a flow's first packet can go through the rules of a group. */
export type RuleTracer = (flow: Flow) => readonly TraceOutcome[];

/** Mark bits of somebody else, which must come out as they went in (specification 4.3). */
const foreignMark = 0x0001_0010;

/** The rules that the iptables data plane makes of a group, by way of a fake kernel. */
export async function traceIptables(group: Group): Promise<RuleTracer> {
  const rulesets = new Map<Family, RulesetState>();
  for (const family of families) {
    // oxlint-disable-next-line no-await-in-loop -- two families, no I/O
    rulesets.set(family, await programGroup(group, family));
  }
  return (flow) => {
    const ruleset = rulesets.get(flow.family);
    if (ruleset === undefined) throw new Error(`no rules for ${flow.family}`);
    const traced = trace(ruleset, packetOf(flow), environmentOf(flow.family));
    if (!traced.ok) throw new Error(`${flow.title}: ${traced.problem.message}`);
    return traced.value.outcomes;
  };
}

async function programGroup(group: Group, family: Family): Promise<RulesetState> {
  const port = createFakeIptables(family);
  const plane = createIptablesDataPlane({
    family,
    port,
    sets: createFakeSets(() => port.dump()),
    dropInvalid: true,
    strays: null,
    allowLoopbackRouting: () => succeed(undefined),
    degraded: ({ message }) => {
      throw new Error(message);
    },
    pause: () => null,
    now: () => 0,
  });
  const { problem, failed } = await plane.apply({ ...deriveGroup(group, family), complete: true });
  const refusals = [problem, ...failed.values()].filter((one) => one !== null);
  if (refusals.length > 0) throw new Error(refusals.map(({ message }) => message).join('; '));
  const saved = await port.save(['raw', 'mangle', 'nat', 'filter', 'security']);
  if (!saved.ok) throw new Error(saved.problem.message);
  return saved.value;
}

function packetOf(flow: Flow): TracePacket {
  const host = hostNamed(hostOf(flow.from));
  const destination = asAddress(flow.destination);
  const own = flow.from === 'node' && localAddresses.includes(destination);
  return {
    family: flow.family,
    // The kernel gives a packet to one of its own addresses that address as a source.
    source: own ? destination : asAddress(host.addresses[flow.family]),
    destination,
    protocol: ({ TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' } as const)[flow.protocol],
    destinationPort: flow.port,
    inInterface: flow.from === 'node' ? null : host.kind === 'pod' ? `pod-${host.name}` : 'eth0',
    mark: foreignMark,
  };
}

/** Routes of node1 as the lab lays them. */
function environmentOf(family: Family): TraceEnvironment {
  const sourceAddress = asAddress(plan.node1.addresses[family]);
  return {
    localAddresses,
    route(destination) {
      const pod = plan.pods.find(({ node, addresses }) => node === 'node1' && addresses[family] === destination);
      return { outInterface: pod === undefined ? 'eth0' : `pod-${pod.name}`, sourceAddress };
    },
  };
}

/** What a traced way means to the client. */
export function readTrace(flow: Flow, traced: TraceOutcome): Outcome {
  const { verdict, delivered, mark } = traced;
  if (verdict === 'reject') return { verdict: 'refused' };
  if (verdict === 'drop') return { verdict: 'timeout' };
  if (verdict !== 'accept') return { verdict: 'failed', code: verdict };
  if (delivered === 'wire' && mark !== foreignMark) return { verdict: 'failed', code: `mark 0x${mark.toString(16)} on the wire` };
  const backend = backendAt(traced);
  const translated = traced.destination !== flow.destination || traced.destinationPort !== flow.port;
  if (translated && backend === null) return { verdict: 'failed', code: `sent to ${traced.destination}, where nothing answers` };
  return backend === null ? { verdict: 'untouched' } : { verdict: 'answered', backend, source: traced.seenSource };
}

/** The socket the packet reaches, among those the lab would have opened. */
function backendAt({ destination, destinationPort: port, delivered }: TraceOutcome): string | null {
  const pod = plan.pods.find(({ addresses }) => Object.values(addresses).includes(destination));
  const host = delivered === 'local' ? plan.node1 : pod;
  const ports = [8080, 9090, ...(destination === '127.0.0.1' ? [7070] : [])];
  return host !== undefined && ports.includes(port) ? `${host.name}:${port}` : null;
}

function asAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`not an address: ${text}`);
  return address;
}
