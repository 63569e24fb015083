import { fileURLToPath } from 'node:url';
import type { Family, Protocol } from '../../src/model/mod.ts';
import type { ConntrackFlow, ConntrackListing, ConntrackRemoval } from '../../src/netlink/mod.ts';
import type { Place } from '../lab/mod.ts';
import type { Step } from './conntrack-child.ts';

const childScript = fileURLToPath(new URL('conntrack-child.ts', import.meta.url));

async function runChild(place: Place, steps: readonly Step[]): Promise<unknown[]> {
  const { code, stdout, stderr } = await place.exec(process.execPath, [childScript], JSON.stringify(steps));
  if (code !== 0) throw new Error(`the child ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as unknown[];
}

/** What our port lists. Throws where it fails. */
export async function listFlows(
  place: Place,
  family: Family,
  protocol: Protocol,
  destinationPorts: readonly number[],
): Promise<ConntrackListing> {
  const [result] = await runChild(place, [{ op: 'list', query: { family, protocol, destinationPorts } }]);
  const listed = result as { readonly ok: boolean; readonly value: ConntrackListing };
  if (!listed.ok) throw new Error(JSON.stringify(listed));
  return listed.value;
}

export async function removeFlows(place: Place, flows: readonly ConntrackFlow[]): Promise<ConntrackRemoval> {
  const [result] = await runChild(place, [{ op: 'remove', flows }]);
  return result as ConntrackRemoval;
}

/** An entry as `conntrack -L -o id` prints it. */
export interface Entry {
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly replySource: string;
  readonly replySourcePort: number;
  readonly zone: number;
  readonly id: number;
}

/** All entries of a family as the standard tool shows them. */
export async function readTable(place: Place, family: Family): Promise<readonly Entry[]> {
  const { code, stdout, stderr } = await place.exec('conntrack', ['-L', '-f', family.toLowerCase(), '-o', 'id']);
  if (code !== 0) throw new Error(`conntrack -L: ${stderr}`);
  return stdout.split('\n').filter(Boolean).map(readLine);
}

function readLine(line: string): Entry {
  const all = (name: string): string[] =>
    [...line.matchAll(new RegExp(`\\b${name}=(\\S+)`, 'g'))].map(([, value]) => value ?? '');
  const [source = '', replySource = ''] = all('src');
  const [sourcePort, replySourcePort] = all('sport').map(Number);
  return {
    protocol: line.split(' ')[0] ?? '',
    source,
    destination: all('dst')[0] ?? '',
    sourcePort: sourcePort ?? 0,
    destinationPort: Number(all('dport')[0] ?? 0),
    replySource,
    replySourcePort: replySourcePort ?? 0,
    zone: Number(all('zone')[0] ?? 0),
    id: Number(all('id')[0]),
  };
}

/** Makes an entry with `conntrack -I`; without a reply it is one that was not translated. */
export async function insert(
  place: Place,
  wanted: {
    readonly protocol: 'udp' | 'tcp' | 'sctp';
    readonly from: readonly [string, number];
    readonly to: readonly [string, number];
    readonly replier?: readonly [string, number];
    readonly more?: readonly string[];
  },
): Promise<void> {
  const { protocol, from, to, replier = to, more = [] } = wanted;
  const state = {
    udp: [],
    tcp: ['--state', 'ESTABLISHED'],
    sctp: ['--state', 'ESTABLISHED', '--orig-vtag', '1', '--reply-vtag', '2'],
  };
  const original = ['-s', from[0], '-d', to[0], '--sport', String(from[1]), '--dport', String(to[1])];
  const reply = ['-r', replier[0], '-q', from[0], '--reply-port-src', String(replier[1]), '--reply-port-dst', String(from[1])];
  const args = ['-I', '-p', protocol, ...original, ...reply, '-t', '600', ...state[protocol], ...more];
  const { code, stderr } = await place.exec('conntrack', args);
  if (code !== 0) throw new Error(`conntrack ${args.join(' ')}: ${stderr}`);
}
