import { isPort, parseAddress, parsePrefix, protocols, serverOfMark, sideKey } from '../model/mod.ts';
import type { Address, DecisionEntry, Family, LoopbackEntry, Prefix, Protocol, SideClient, SideEntry } from '../model/mod.ts';
import { prefixOfPart } from './side-cover.ts';
import { recordKey } from './side-elements.ts';
import { decisionOfMark, groupOfMark, markOfPick } from './side-marks.ts';
import { readIngress } from './side-read-ingress.ts';
import { collect, leadsTo, readAddress, readDestination, readPort, readPorts, single } from './side-read-parts.ts';
import type { Destination, ListedElements } from './side-read-parts.ts';
import {
  loopbackChainName,
  loopbackTargetsName,
  nodePortMap,
  nodePortRanges,
  serviceMap,
  serviceRanges,
  sideClients,
  stickyChainName,
} from './side-sets.ts';
import type { Element } from './transaction.ts';

/**
 * The entries that the elements of the table say. An element that belongs to no entry, or to one that is not all
 * there, gives nothing.
 */
export function* readEntries(listed: ListedElements): Iterable<SideEntry> {
  const { family, of } = listed;
  for (const client of sideClients) yield* readDecisions(listed, client);
  for (const ranges of ['', '_ranges']) {
    yield* collect(of(`captured${ranges}`), ({ key }) => withKind('capture', readDestination(family, key)));
    yield* collect(of(`restricted${ranges}`), ({ key }) => withKind('restricted', readDestination(family, key)));
  }
  yield* collect(of('captured_addresses'), ({ key }) => withAddress('capture-address', family, key[0]));
  yield* collect(of('closed'), ({ key }) => withAddress('closed', family, key[0]));
  yield* collect(of('hairpin'), ({ key }) => (key[0] === key[1] ? withAddress('hairpin', family, key[0]) : null));
  for (const set of ['sources', 'source_ranges']) yield* collect(of(set), ({ key }) => readSource(family, key));
  yield* collect(of('protected'), ({ key }) => withPrefix(family, prefixOfPart(key[0])));
  yield* collect(of('records'), (element) => readRecord(family, element));
  yield* readSticky(listed);
  yield* readLoopback(listed);
  yield* readIngress(listed);
}

/** The addresses in the set of those that accept node ports. */
export function readNodePortAddresses(listed: ListedElements): readonly Address[] {
  return [...collect(listed.of('node_port_addresses'), ({ key }) => readAddress(listed.family, key[0]))];
}

function* readDecisions(listed: ListedElements, client: SideClient): Iterable<SideEntry> {
  for (const set of [serviceMap(client), serviceRanges(client)]) {
    yield* collect(listed.of(set), ({ key, value }) => withDecision(client, readDestination(listed.family, key), value));
  }
  for (const set of [nodePortMap(client), nodePortRanges(client)]) {
    yield* collect(listed.of(set), ({ key, value }) => {
      const place = readPorts(key);
      return withDecision(client, place === null ? null : { address: null, ...place }, value);
    });
  }
}

function withDecision(
  client: SideClient,
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
  const [host = '', protocol, ports = ''] = words;
  const [port, lastPort] = ports.split('-').map(Number);
  const address = parseAddress(host);
  if (kind !== 'source' || address === null || prefix === null || port === undefined) return null;
  const last = lastPort === undefined ? {} : { lastPort };
  return { kind, address, protocol: protocol as Protocol, port, ...last, prefix };
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

function serverOfPick(mark: number | null): number | null {
  const server = mark === null ? null : (serverOfMark(mark)?.server ?? null);
  return server !== null && markOfPick(server) === mark ? server : null;
}

function withKind(kind: 'capture' | 'restricted', destination: Destination | null): SideEntry | null {
  return destination === null ? null : { kind, ...destination };
}

function withAddress(kind: 'capture-address' | 'closed' | 'hairpin', family: Family, part: unknown): SideEntry | null {
  const address = readAddress(family, part);
  return address === null ? null : { kind, address };
}

function withPrefix(family: Family, prefix: Prefix | null): SideEntry | null {
  return prefix === null || prefix.family !== family ? null : { kind: 'protected', prefix };
}
