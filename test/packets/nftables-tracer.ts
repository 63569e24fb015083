import { families, familyOf, parseAddress, parsePrefix } from '../../src/model/mod.ts';
import type { Address, Family } from '../../src/model/mod.ts';
import { createFakeNftPort, createNftablesDataPlane, shareGenerations, tracePacket } from '../../src/nftables/mod.ts';
import type { TableState, TracedWay } from '../../src/nftables/mod.ts';
import { ranges } from '../lab/addressing.ts';
import { deriveGroup, localAddresses } from './derive.ts';
import type { Flow, Group } from './flow.ts';
import type { Outcome } from './judge.ts';
import { hostNamed, plan } from './objects.ts';
import { hostOf } from './senders.ts';

/** All ways that a flow's first packet can go through the table of a group. */
export type TableTracer = (flow: Flow) => readonly TracedWay[];

/** Mark bits of somebody else, which must come out as they went in (specification 4.3). */
const foreignMark = 0x0001_0010;

/** The tables that the nftables data plane makes of a group, by way of a fake kernel. */
export async function traceNftables(group: Group): Promise<TableTracer> {
  const tables = new Map<Family, TableState>();
  // oxlint-disable-next-line no-await-in-loop -- two families, no I/O
  for (const family of families) tables.set(family, await programGroup(group, family));
  return (flow) => {
    const table = tables.get(flow.family);
    if (table === undefined) throw new Error(`nothing for ${flow.family}`);
    const host = hostNamed(hostOf(flow.from));
    const destination = asAddress(flow.destination);
    // The kernel gives a packet to one of its own addresses that address as a source.
    const own = flow.from === 'node' && localAddresses.includes(destination);
    return tracePacket(table, {
      source: own ? destination : asAddress(host.addresses[flow.family]),
      destination,
      protocol: flow.protocol,
      port: flow.port,
      inInterface: flow.from === 'node' ? null : host.kind === 'pod' ? `pod-${host.name}` : 'eth0',
      mark: foreignMark,
      localAddresses: new Set(localAddresses.filter((address) => familyOf(address) === flow.family)),
    });
  };
}

async function programGroup(group: Group, family: Family): Promise<TableState> {
  const port = createFakeNftPort();
  const plane = createNftablesDataPlane({
    family,
    port,
    generations: shareGenerations(),
    serviceCidrs: [parsePrefix(ranges.services[family])].filter((prefix) => prefix !== null),
    pause: () => null,
    now: () => 0,
  });
  const { problem, failed } = await plane.apply({ ...deriveGroup(group, family, 'nftables'), complete: true });
  const refusals = [problem, ...failed.values()].filter((one) => one !== null);
  if (refusals.length > 0) throw new Error(refusals.map(({ message }) => message).join('; '));
  const table = await port.readTable(family === 'IPv4' ? 'ip' : 'ip6', 'kube-proxy');
  if (!table.ok || table.value === null) throw new Error('the fake kernel has no table');
  return table.value;
}

/** What a traced way means to the client. Nobody listens on the node but the sockets that the lab opens there. */
export function readWay(flow: Flow, way: TracedWay): Outcome {
  if (way.verdict === 'reject') return { verdict: 'refused' };
  if (way.verdict === 'drop') return { verdict: 'timeout' };
  if (way.mark !== foreignMark && way.masquerade)
    return { verdict: 'failed', code: `mark 0x${way.mark.toString(16)} on the wire` };
  const host = [...plan.pods, plan.node1, plan.node2].find(({ addresses }) => Object.values(addresses).includes(way.destination));
  const isPod = host !== undefined && plan.pods.some(({ name }) => name === host.name);
  if (!way.translated && !isPod) return { verdict: 'untouched' };
  if (host === undefined) return { verdict: 'failed', code: `sent to ${way.destination}, where nothing answers` };
  const client = flow.from === 'node' ? plan.node1 : hostNamed(hostOf(flow.from));
  const source = way.masquerade ? plan.node1.addresses[flow.family] : client.addresses[flow.family];
  return { verdict: 'answered', backend: `${host.name}:${way.port}`, source };
}

function asAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`not an address: ${text}`);
  return address;
}
