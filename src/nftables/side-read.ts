import { familyOf, isPort, parseAddress, parsePrefix, protocols, serverOfMark, sideKey } from '../model/mod.ts';
import type { Address, ClientClass, DecisionEntry, Family, LoopbackEntry, Prefix, Protocol, SideEntry } from '../model/mod.ts';
import { prefixOfPart } from './side-cover.ts';
import { recordKey } from './side-elements.ts';
import { decisionOfMark, groupOfMark, markOfPick } from './side-marks.ts';
import {
  loopbackChainName,
  loopbackTargetsName,
  nodePortMap,
  protocolOfNumber,
  serviceMap,
  stickyChainName,
} from './side-sets.ts';
import type { Element } from './transaction.ts';

/** The elements of our sets, as the kernel lists them. */
export interface ListedElements {
  readonly family: Family;
  /** Empty for a set that is not there. */
  readonly of: (set: string) => readonly Element[];
}

interface Destination {
  readonly address: Address;
  readonly protocol: Protocol;
  readonly port: number;
}

/**
 * The entries that the elements of the table say. An element that belongs to no entry, or to one that is not all
 * there, gives nothing.
 */
export function* readEntries(listed: ListedElements): Iterable<SideEntry> {
  const { family, of } = listed;
  for (const client of ['pod', 'node', 'outside'] as const) yield* readDecisions(listed, client);
  yield* collect(of('captured'), ({ key }) => withKind('capture', readDestination(family, key)));
  yield* collect(of('restricted'), ({ key }) => withKind('restricted', readDestination(family, key)));
  yield* collect(of('captured_addresses'), ({ key }) => withAddress('capture-address', family, key[0]));
  yield* collect(of('hairpin'), ({ key }) => (key[0] === key[1] ? withAddress('hairpin', family, key[0]) : null));
  yield* collect(of('sources'), ({ key }) => readSource(family, key));
  yield* collect(of('protected'), ({ key }) => withPrefix(family, prefixOfPart(key[0])));
  yield* collect(of('records'), (element) => readRecord(family, element));
  yield* readSticky(listed);
  yield* readLoopback(listed);
}

/** The addresses in the set of those that accept node ports. */
export function readNodePortAddresses(listed: ListedElements): readonly Address[] {
  return [...collect(listed.of('node_port_addresses'), ({ key }) => readAddress(listed.family, key[0]))];
}

/** One at a time, so that whoever asks for them may pause in between. */
function* collect<T>(elements: readonly Element[], read: (element: Element) => T | null): Iterable<T> {
  for (const element of elements) {
    const value = read(element);
    if (value !== null) yield value;
  }
}

function* readDecisions(listed: ListedElements, client: ClientClass): Iterable<SideEntry> {
  yield* collect(listed.of(serviceMap(client)), ({ key, value }) =>
    withDecision(client, readDestination(listed.family, key), value),
  );
  yield* collect(listed.of(nodePortMap(client)), ({ key, value }) => {
    const place = readPort(key);
    return withDecision(client, place === null ? null : { address: null, ...place }, value);
  });
}

function withDecision(
  client: ClientClass,
  place: Omit<DecisionEntry, 'kind' | 'client' | 'decision'> | null,
  value: Element['value'],
): SideEntry | null {
  const mark = single(value);
  const decision = mark === null ? null : decisionOfMark(mark);
  return decision === null || place === null ? null : { kind: 'decision', client, ...place, decision };
}

function readSource(family: Family, key: Element['key']): SideEntry | null {
  const destination = readDestination(family, key);
  const prefix = prefixOfPart(key[3]);
  return destination === null || prefix === null || prefix.family !== family ? null : { kind: 'source', ...destination, prefix };
}

/** A record, or a prefix that another one contains. */
function readRecord(family: Family, { key, comment = '' }: Element): SideEntry | null {
  const [first, second] = recordKey(comment);
  if (key[0] !== first || key[1] !== second) return null;
  const entry = parseKey(family, comment);
  return entry !== null && sideKey(entry) === comment ? entry : null;
}

function parseKey(family: Family, text: string): SideEntry | null {
  const [kind = '', ...words] = text.split('/');
  if (kind === 'record') return { kind, text: text.slice('record/'.length) };
  const prefix = parsePrefix(words.slice(-2).join('/'));
  if (kind === 'protected') return withPrefix(family, prefix);
  const [address = '', protocol, port] = words;
  const destination = { address: parseAddress(address), protocol: protocol as Protocol, port: Number(port) };
  if (kind !== 'source' || destination.address === null || prefix === null) return null;
  return { kind, ...destination, address: destination.address, prefix };
}

function readSticky(listed: ListedElements): Iterable<SideEntry> {
  const picks = new Map<string, number>();
  for (const { key, value } of listed.of('picks')) {
    const server = serverOfPick(single(value));
    if (server !== null) picks.set(key.join(' '), server);
  }
  return collect(listed.of('sticky'), ({ key, value, comment = '' }) => {
    const mark = single(key);
    const group = mark === null ? null : groupOfMark(mark);
    if (mark === null || group === null || !/^[1-9][0-9]{0,8}$/.test(comment)) return null;
    if (!leadsTo(value, 'jump', stickyChainName(group))) return null;
    const servers = listFrom((index) => picks.get(`${mark} ${index}`));
    return servers.length === 0 ? null : { kind: 'sticky', group, timeoutSeconds: Number(comment), servers };
  });
}

function readLoopback(listed: ListedElements): Iterable<SideEntry> {
  const targets = new Map(protocols.map((protocol) => [protocol, readTargets(listed, protocol)]));
  const refused = collect(listed.of('loopback_refused'), ({ key }) => {
    const place = readPort(key);
    return place === null ? null : { kind: 'loopback' as const, ...place, targets: [] };
  });
  const translated = collect(listed.of('loopback'), ({ key, value }) => {
    const place = readPort(key);
    if (place === null) return null;
    const found = listFrom((index) => targets.get(place.protocol)?.get(`${place.port} ${index}`));
    if (found.length === 0 || !leadsTo(value, 'goto', loopbackChainName(found.length))) return null;
    return { kind: 'loopback' as const, ...place, targets: found };
  });
  return [...translated, ...refused];
}

type Targets = ReadonlyMap<string, LoopbackEntry['targets'][number]>;

/** By port and index. */
function readTargets(listed: ListedElements, protocol: Protocol): Targets {
  const targets = new Map<string, LoopbackEntry['targets'][number]>();
  for (const { key, value } of listed.of(loopbackTargetsName(protocol))) {
    const [text, port] = Array.isArray(value) ? value : [];
    const address = readAddress(listed.family, text);
    if (address !== null && isPort(port)) targets.set(key.join(' '), { address, port });
  }
  return targets;
}

/** Values at 0, 1, ... up to the first that is missing. */
function listFrom<T>(at: (index: number) => T | undefined): readonly T[] {
  const values: T[] = [];
  for (let value = at(0); value !== undefined; value = at(values.length)) values.push(value);
  return values;
}

function leadsTo(value: Element['value'], kind: 'jump' | 'goto', chain: string): boolean {
  return value !== undefined && 'kind' in value && value.kind === kind && value.chain === chain;
}

function serverOfPick(mark: number | null): number | null {
  const server = mark === null ? null : (serverOfMark(mark)?.server ?? null);
  return server !== null && markOfPick(server) === mark ? server : null;
}

function single(value: Element['value'] | Element['key']): number | null {
  return Array.isArray(value) && typeof value[0] === 'number' ? value[0] : null;
}

function readDestination(family: Family, key: Element['key']): Destination | null {
  const address = readAddress(family, key[0]);
  const place = readPort(key.slice(1));
  return address === null || place === null ? null : { address, ...place };
}

function readPort(key: Element['key']): Omit<Destination, 'address'> | null {
  const protocol = protocolOfNumber(key[0]);
  return protocol === null || !isPort(key[1]) ? null : { protocol, port: key[1] as number };
}

function readAddress(family: Family, part: unknown): Address | null {
  const address = typeof part === 'string' ? parseAddress(part) : null;
  return address !== null && familyOf(address) === family ? address : null;
}

function withKind(kind: 'capture' | 'restricted', destination: Destination | null): SideEntry | null {
  return destination === null ? null : { kind, ...destination };
}

function withAddress(kind: 'capture-address' | 'hairpin', family: Family, part: unknown): SideEntry | null {
  const address = readAddress(family, part);
  return address === null ? null : { kind, address };
}

function withPrefix(family: Family, prefix: Prefix | null): SideEntry | null {
  return prefix === null || prefix.family !== family ? null : { kind: 'protected', prefix };
}
