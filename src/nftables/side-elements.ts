import { createHash } from 'node:crypto';
import { protocolNumbers, sideKey } from '../model/mod.ts';
import type { DecisionEntry, LoopbackEntry, Protocol, RewriteEntry, SideEntry, StickyEntry } from '../model/mod.ts';
import { checkLane, markOfDecision, markOfGroup, markOfPick } from './side-marks.ts';
import {
  clampChainName,
  loopbackChainName,
  loopbackTargetsName,
  nodePortMap,
  nodePortRanges,
  refusedRanges,
  refusedSet,
  serviceMap,
  serviceRanges,
  stickyChainName,
} from './side-sets.ts';
import type { Element, KeyPart } from './transaction.ts';

/** An element and the name of its set. */
export interface Placed {
  readonly set: string;
  readonly element: Element;
}

/**
 * The elements that belong to an entry and to no other. Entries that overlap with others have more, see
 * `side-memory.ts`.
 */
export function elementsOf(entry: SideEntry): readonly Placed[] {
  switch (entry.kind) {
    case 'decision':
      return placeDecision(entry);
    case 'capture':
      return [place(isRange(entry) ? 'captured_ranges' : 'captured', destinationOf(entry))];
    case 'capture-address':
      return [place('captured_addresses', [entry.address])];
    case 'closed':
      return [place('closed', [entry.address])];
    case 'restricted':
      return [place(isRange(entry) ? 'restricted_ranges' : 'restricted', destinationOf(entry))];
    case 'hairpin':
      return [place('hairpin', [entry.address, entry.address])];
    case 'sticky':
      return placeSticky(entry);
    case 'loopback':
      return placeLoopback(entry);
    case 'lane':
      return ['lanes', ...(entry.masquerade ? ['masqueraded_lanes'] : [])].map((set) => place(set, [checkLane(entry.mark)]));
    case 'rewrite':
      return [
        { set: 'rewrites', element: { key: destinationOf(entry), value: [entry.to], ...remark(entry.direct ? 'direct' : null) } },
      ];
    case 'clamp':
      return [{ set: 'clamps', element: { key: [entry.address], value: { kind: 'jump', chain: clampChainName(entry.size) } } }];
    case 'peer':
      return [{ set: 'peers', element: { key: [entry.address], ...remark(entry.link) } }];
    case 'record':
      return [placeRecord(entry)];
    case 'source':
    case 'protected':
      return [];
  }
}

/** Elements that several entries may want, each of them the same one. */
export function sharedElementsOf(entry: SideEntry): readonly Placed[] {
  switch (entry.kind) {
    case 'sticky':
      // Makes the group remember a server.
      return [...new Set(entry.servers)].map((server) => place('live', [markOfPick(server)]));
    case 'peer':
      return entry.link === null ? [] : [place('peer_links', [entry.link])];
    case 'rewrite':
      return entry.protocol === 'SCTP' ? [placeProtocol('rewrite'), placeProtocol('restore')] : [];
    default:
      return [];
  }
}

/** What leads to the chains of a protocol that has some of its own. */
function placeProtocol(way: 'rewrite' | 'restore'): Placed {
  const value = { kind: 'jump', chain: `${way}_sctp` } as const;
  return { set: `${way}_protocols`, element: { key: [protocolNumbers.SCTP], value } };
}

/**
 * The way back from a port to which these entries, of one address and protocol, rewrite. Where there are several, answers
 * come from the lowest port; the port is hidden unless one of them says that clients may ask for it.
 */
export function placeAnswers(entries: readonly RewriteEntry[]): readonly Placed[] {
  const [first, ...others] = entries.toSorted((one, other) => one.port - other.port);
  if (first === undefined) return [];
  const key = destinationOf({ ...first, port: first.to });
  const isDirect = [first, ...others].some(({ direct }) => direct);
  return [{ set: 'answers', element: { key, value: [first.port] } }, ...(isDirect ? [] : [place('hidden_ports', key)])];
}

/** The element that says an entry in words, for entries that no packet has to see. */
export function placeRecord(entry: SideEntry): Placed {
  const comment = sideKey(entry);
  return { set: 'records', element: { key: recordKey(comment), comment } };
}

/** 64 bits, so that no two of a node's records ever share a key. */
export function recordKey(text: string): readonly [number, number] {
  const digest = createHash('sha256').update(text).digest();
  return [digest.readUInt32BE(0), digest.readUInt32BE(4)];
}

interface Ports {
  readonly port: number;
  readonly lastPort?: number;
}

export function isRange({ port, lastPort = port }: Ports): boolean {
  return lastPort !== port;
}

/** The key of a destination in sets of destinations, those of ranges included. */
export function destinationOf(entry: Ports & { readonly address: string; readonly protocol: Protocol }): readonly KeyPart[] {
  return [entry.address, protocolNumbers[entry.protocol], portsOf(entry)];
}

function portsOf({ port, lastPort = port }: Ports): KeyPart {
  return lastPort === port ? port : { from: port, to: lastPort };
}

function place(set: string, key: readonly KeyPart[]): Placed {
  return { set, element: { key } };
}

function remark(comment: string | null): { readonly comment?: string } {
  return comment === null ? {} : { comment };
}

/** Rejections of clients that come from elsewhere are in a set besides, see `planCapture`. */
function placeDecision(entry: DecisionEntry): readonly Placed[] {
  const { client, address, protocol, decision } = entry;
  const value = [markOfDecision(decision)];
  const ranges = isRange(entry);
  if (address === null) {
    const set = ranges ? nodePortRanges(client) : nodePortMap(client);
    return [{ set, element: { key: [protocolNumbers[protocol], portsOf(entry)], value } }];
  }
  const key = destinationOf({ ...entry, address });
  const placed = { set: ranges ? serviceRanges(client) : serviceMap(client), element: { key, value } };
  if (decision.verdict !== 'reject' || client === 'node') return [placed];
  return [placed, place(ranges ? refusedRanges(client) : refusedSet(client), key)];
}

function placeSticky({ group, timeoutSeconds, servers }: StickyEntry): readonly Placed[] {
  const mark = markOfGroup(group);
  return [
    {
      set: 'sticky',
      element: { key: [mark], value: { kind: 'jump', chain: stickyChainName(group) }, comment: String(timeoutSeconds) },
    },
    ...servers.map((server, index) => ({ set: 'picks', element: { key: [mark, index], value: [markOfPick(server)] } })),
  ];
}

function placeLoopback({ protocol, port, targets }: LoopbackEntry): readonly Placed[] {
  const key = [protocolNumbers[protocol], port];
  if (targets.length === 0) return [place('loopback_refused', key)];
  return [
    { set: 'loopback', element: { key, value: { kind: 'goto', chain: loopbackChainName(targets.length) } } },
    ...targets.map((target, index) => ({
      set: loopbackTargetsName(protocol),
      element: { key: [port, index], value: [target.address, target.port] },
    })),
  ];
}
