import * as fc from 'fast-check';
import { formatAddress, parseAddress } from '../model/mod.ts';
import type { Address, Family } from '../model/mod.ts';
import { parseAddressMatch } from './address-text.ts';
import { conntrackStates } from './render.ts';
import type { AddressMatch, Match, Rule, Target, TransportName } from './rule.ts';

/** Canonical addresses of a family; IPv6 ones that map IPv4 are left out. */
function addresses(family: Family): fc.Arbitrary<Address> {
  if (family === 'IPv4') return octets(4).map(formatAddress);
  return octets(16)
    .map(formatAddress)
    .filter((address) => address.includes(':'));
}

function addressMatches(family: Family): fc.Arbitrary<AddressMatch> {
  const bits = family === 'IPv4' ? 32 : 128;
  const mask = fc.oneof(fc.integer({ min: 1, max: bits }).map(String), fc.constant(String(bits)), addresses(family));
  return fc
    .tuple(addresses(family), mask, fc.boolean())
    .map(([address, maskText, not]) => parseAddressMatch(`${address}/${maskText}`, not))
    .filter((match): match is AddressMatch => match !== null && match.mask !== 0);
}

const names = fc.stringMatching(/^[A-Za-z][-A-Za-z0-9_]{0,14}$/);
/** A rule that names an ipset can only be loaded where there is one. */
export const sampleSets = ['SAMPLE-A', 'SAMPLE-B'] as const;
const sets = fc.constantFrom(...sampleSets);
const u32 = fc.oneof(fc.constant(0), fc.constant(0x4000), fc.constant(0xffffffff), fc.nat(0xffffffff));
const transports = fc.constantFrom<TransportName>('tcp', 'udp', 'sctp');
const comments = fc.oneof(
  fc.constantFrom('', '-j', '!', 'a "b" c\'s \\ d', 'ns/name:port', 'täst'),
  fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
);

const plainMatches: fc.Arbitrary<Match> = fc.oneof(
  comments.map((text): Match => ({ kind: 'comment', text })),
  fc
    .tuple(fc.subarray([...conntrackStates], { minLength: 1 }), fc.boolean())
    .map(([states, not]): Match => ({ kind: 'conntrack', states, not })),
  fc
    .tuple(fc.constantFrom('src' as const, 'dst' as const), fc.boolean())
    .map(([side, not]): Match => ({ kind: 'address-type', side, type: 'LOCAL', not })),
  fc.tuple(u32, u32, fc.boolean()).map(([value, mask, not]): Match => ({ kind: 'mark', value, mask, not })),
  fc
    .oneof(
      fc.nat(2 ** 31),
      fc.nat(4096).map((n) => n * 2 ** 19),
    )
    .map((threshold): Match => ({ kind: 'random', threshold })),
  fc.tuple(sets, fc.boolean()).map(([set, not]): Match => ({ kind: 'set', set, not })),
  fc.constant<Match>({ kind: 'bpf', bytecode: '6,32 0 0 12,7 0 0 0,32 0 0 16,29 0 1 0,6 0 0 65535,6 0 0 0' }),
);

function recents(family: Family | null): fc.Arbitrary<Match> {
  const width = family === 'IPv6' ? { family } : {};
  return fc
    .tuple(
      fc.constantFrom('set' as const, 'update' as const, 'rcheck' as const),
      names,
      fc.integer({ min: 1, max: 86400 }),
      fc.boolean(),
      fc.boolean(),
    )
    .map(([mode, list, seconds, timed, reap]): Match => {
      const counts = mode !== 'set' && timed;
      return { kind: 'recent', mode, list, seconds: counts ? seconds : null, reap: counts && reap, ...width };
    });
}

function ports(protocol: TransportName): fc.Arbitrary<Match> {
  return fc
    .tuple(fc.nat(65535), fc.nat(65535), fc.boolean(), fc.boolean())
    .map(([a, b, single, not]): Match & { kind: 'destination-port' } => ({
      kind: 'destination-port',
      protocol,
      from: single ? a : Math.min(a, b),
      to: single ? a : Math.max(a, b),
      not,
    }))
    .filter((match) => !match.not || match.from > 0 || match.to < 65535);
}

function targets(family: Family, transport: TransportName | null): fc.Arbitrary<Target | null> {
  const reject = family === 'IPv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable';
  return fc.oneof(
    fc.constantFrom<Target | null>(
      null,
      { kind: 'accept' },
      { kind: 'drop' },
      { kind: 'return' },
      { kind: 'reject', with: reject },
    ),
    fc.constant<Target>({ kind: 'reject', with: transport === 'tcp' ? 'tcp-reset' : reject }),
    names.map((name): Target => ({ kind: 'jump', chain: `KUBE-${name}` })),
    names.map((name): Target => ({ kind: 'goto', chain: `KUBE-${name}` })),
    fc.tuple(u32, u32).map(([value, mask]): Target => ({ kind: 'mark', value, mask })),
    fc
      .tuple(addresses(family), fc.integer({ min: 1, max: 65535 }))
      .map(([address, port]): Target => ({ kind: 'dnat', address, port })),
    fc.tuple(sets, fc.integer({ min: 1, max: 86_400 })).map(([set, seconds]): Target => ({ kind: 'remember', set, seconds })),
    fc.boolean().map((randomFully): Target => ({ kind: 'masquerade', randomFully })),
  );
}

/** Rules of the whole vocabulary, each in the form that `parseRule` gives. */
export function rules(family: Family): fc.Arbitrary<Rule> {
  return fc.option(fc.tuple(transports, fc.boolean())).chain((protocol) => {
    const transport = protocol === null || protocol[1] ? null : protocol[0];
    const interfaces = fc.tuple(
      fc.oneof(
        names,
        names.map((name) => `${name.slice(0, 14)}+`),
      ),
      fc.boolean(),
    );
    const head = fc.record({
      source: fc.option(addressMatches(family)),
      destination: fc.option(addressMatches(family)),
      inInterface: fc.option(interfaces),
      outInterface: fc.option(interfaces),
      target: targets(family, transport),
    });
    return head.chain((given) => {
      const told = given.source !== null || given.destination !== null || given.target?.kind === 'dnat';
      const others = fc.array(fc.oneof(plainMatches, recents(told ? null : family)), { maxLength: 3 });
      const port: fc.Arbitrary<Match | null> = transport === null ? fc.constant(null) : fc.option(ports(transport));
      return fc.tuple(others, port, fc.nat(3)).map(([rest, one, at]): Rule => ({
        ...(given.source !== null && { source: given.source }),
        ...(given.destination !== null && { destination: given.destination }),
        ...(given.inInterface !== null && { inInterface: { name: given.inInterface[0], not: given.inInterface[1] } }),
        ...(given.outInterface !== null && { outInterface: { name: given.outInterface[0], not: given.outInterface[1] } }),
        ...(protocol !== null && { protocol: { name: protocol[0], not: protocol[1] } }),
        matches: one === null ? rest : rest.toSpliced(at, 0, one),
        target: given.target,
      }));
    });
  });
}

function octets(length: number): fc.Arbitrary<Uint8Array> {
  // Zero-rich, so that compressed IPv6 spellings appear.
  const octet = fc.oneof(fc.constant(0), fc.nat(255));
  return fc.array(octet, { minLength: length, maxLength: length }).map((bytes) => Uint8Array.from(bytes));
}

/** For hand-written cases: a string that must be an address. */
export function addressOf(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(`not an address: ${text}`);
  return parsed;
}
