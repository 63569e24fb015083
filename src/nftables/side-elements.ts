import { createHash } from 'node:crypto';
import { sideKey } from '../model/mod.ts';
import type { DecisionEntry, LoopbackEntry, SideEntry, StickyEntry } from '../model/mod.ts';
import { markOfDecision, markOfGroup, markOfPick } from './side-marks.ts';
import {
  loopbackChainName,
  loopbackTargetsName,
  nodePortMap,
  protocolNumbers,
  refusedSet,
  serviceMap,
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
      return [place('captured', destinationOf(entry))];
    case 'capture-address':
      return [place('captured_addresses', [entry.address])];
    case 'restricted':
      return [place('restricted', destinationOf(entry))];
    case 'hairpin':
      return [place('hairpin', [entry.address, entry.address])];
    case 'sticky':
      return placeSticky(entry);
    case 'loopback':
      return placeLoopback(entry);
    case 'record':
      return [placeRecord(entry)];
    case 'source':
    case 'protected':
    case 'lane':
    case 'rewrite':
    case 'clamp':
    case 'peer':
      return [];
  }
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

/** The element that makes a sticky group remember a server. */
export function placeLive(server: number): Placed {
  return place('live', [markOfPick(server)]);
}

function place(set: string, key: readonly KeyPart[]): Placed {
  return { set, element: { key } };
}

/** The key of a destination in sets of destinations. */
export function destinationOf(entry: Pick<LoopbackEntry, 'protocol' | 'port'> & { readonly address: string }): KeyPart[] {
  return [entry.address, protocolNumbers[entry.protocol], entry.port];
}

/** Rejections of clients that come from elsewhere are in a set besides, see `planCapture`. */
function placeDecision({ client, address, protocol, port, decision }: DecisionEntry): readonly Placed[] {
  const value = [markOfDecision(decision)];
  if (address === null) return [{ set: nodePortMap(client), element: { key: [protocolNumbers[protocol], port], value } }];
  const key = destinationOf({ address, protocol, port });
  const placed = { set: serviceMap(client), element: { key, value } };
  return decision.verdict === 'reject' && (client === 'pod' || client === 'outside')
    ? [placed, place(refusedSet(client), key)]
    : [placed];
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
