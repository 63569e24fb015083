import {
  createIpvsDataPlane,
  createFakeIpvs,
  createFakeSideRules,
  serverKeyText,
  standardNumbers,
  traceNode,
} from '../../src/ipvs/mod.ts';
import type { TracedEnd, TracedNode } from '../../src/ipvs/mod.ts';
import { families, familyOf, parseAddress, parsePrefix, succeed } from '../../src/model/mod.ts';
import type { Address, Family } from '../../src/model/mod.ts';
import { createFakeRoutes } from '../../src/netlink/mod.ts';
import { ranges } from '../lab/addressing.ts';
import { deriveGroup, localAddresses } from './derive.ts';
import type { Flow, Group } from './flow.ts';
import type { Outcome } from './judge.ts';
import { hostNamed, plan } from './objects.ts';
import { hostOf } from './senders.ts';
import type { FlowTracer } from './tracer.ts';

/** Answers flows from what the IPVS data plane makes of a group, by way of fake kernels. */
export async function traceIpvs(group: Group): Promise<FlowTracer> {
  const nodes = new Map<Family, TracedNode>();
  for (const family of families) nodes.set(family, await programGroup(group, family));
  return (flow) => {
    const node = nodes.get(flow.family);
    if (node === undefined) throw new Error(`nothing for ${flow.family}`);
    const host = hostNamed(hostOf(flow.from));
    const destination = asAddress(flow.destination);
    const own = flow.from === 'node' && localAddresses.includes(destination);
    const source = own ? destination : asAddress(host.addresses[flow.family]);
    const inInterface = flow.from === 'node' ? null : host.kind === 'pod' ? `pod-${host.name}` : 'eth0';
    const { family, protocol, port } = flow;
    const ends = traceNode(node, { family, source, destination, protocol, port, inInterface });
    return ends.map((end) => readEnd(flow, end, source));
  };
}

async function programGroup(group: Group, family: Family): Promise<TracedNode> {
  const servers = createFakeIpvs(family);
  const side = createFakeSideRules(family);
  const routes = createFakeRoutes(family);
  const own = localAddresses.filter((address) => familyOf(address) === family);
  routes.addDevice('eth0');
  for (const address of own) routes.addAddress({ address, device: 'eth0', length: family === 'IPv4' ? 32 : 128, scope: 0 });
  const plane = createIpvsDataPlane({
    family,
    servers,
    side,
    routes,
    sysctls: { read: async () => '1', write: async () => succeed(undefined) },
    kernelRelease: '6.1.0',
    scheduler: 'rr',
    excludeCidrs: [],
    serviceCidrs: [parsePrefix(ranges.services[family])].filter((prefix) => prefix !== null),
    strictArp: false,
    timeouts: { tcp: 0, tcpFin: 0, udp: 0 },
    drainMs: 300_000,
    udpDrainMs: 0,
    drainPollMs: 1000,
    captureBit: 12,
    ...standardNumbers,
    echo: 'answer',
    strays: 'drop',
    clock: { now: () => 0, after: () => () => undefined },
    now: () => 0,
    pause: () => null,
    rest: async () => undefined,
    degraded: ({ message }) => {
      throw new Error(message);
    },
    report: () => undefined,
  });
  const { problem, failed } = await plane.apply({ ...deriveGroup(group, family), complete: true });
  const refusals = [problem, ...failed.values()].filter((one) => one !== null);
  if (refusals.length > 0) throw new Error(refusals.map(({ message }) => message).join('; '));
  const [listed, ways, rules] = [await servers.list(), await routes.listRoutes(null), await routes.listRules()];
  if (!listed.ok || !ways.ok || !rules.ok || side.settings === null) throw new Error('a fake without faults failed');
  return {
    entries: side.entries,
    settings: side.settings,
    servers: new Map(listed.value.map((server) => [serverKeyText(server.key), server])),
    routes: ways.value,
    rules: rules.value,
    localAddresses: new Set(own),
  };
}

/** What an end means to the client. Nobody listens on the node but the sockets that the lab opens there. */
function readEnd(flow: Flow, end: TracedEnd, source: Address): Outcome {
  switch (end.verdict) {
    case 'reject':
      return { verdict: 'refused' };
    case 'drop':
      return { verdict: 'timeout' };
    case 'forward':
      return readForward(flow, end, source);
    case 'local':
      return { verdict: 'untouched' };
    case 'leaves': {
      const pod = plan.pods.find(({ addresses }) => Object.values(addresses).includes(flow.destination));
      return pod === undefined ? { verdict: 'untouched' } : { verdict: 'answered', backend: `${pod.name}:${flow.port}`, source };
    }
  }
}

function readForward(flow: Flow, end: Extract<TracedEnd, { verdict: 'forward' }>, source: Address): Outcome {
  const host = [...plan.pods, plan.node1, plan.node2].find(({ addresses }) => Object.values(addresses).includes(end.address));
  if (host === undefined) return { verdict: 'failed', code: `sent to ${end.address}, where nothing answers` };
  const seen = end.masquerade ? plan.node1.addresses[flow.family] : source;
  return { verdict: 'answered', backend: `${host.name}:${end.port}`, source: seen };
}

function asAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`not an address: ${text}`);
  return address;
}
