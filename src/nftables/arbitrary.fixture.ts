import * as fc from 'fast-check';
import { formatAddress } from '../model/mod.ts';
import { compareBytes, makePrefix, maskOf } from './datum.ts';
import { keysOf } from './encode-element.ts';
import type { Datum, Verdict } from './expression.ts';
import { prefix } from './samples.fixture.ts';
import { defineSet } from './transaction.ts';
import type { Command, DatumType, Element, KeyPart, SetDefinition } from './transaction.ts';

/** A set and elements of it that may all be in it at once. */
export interface FilledSet {
  readonly set: SetDefinition;
  readonly elements: readonly Element[];
}

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** The address ::ffff:0:0/96 is IPv4 in another shape and no address of ours. */
const address = (length: number) =>
  bytes(length)
    .map((value) => formatAddress(value))
    .filter((text) => text.includes(':') === (length === 16));

const datum: Readonly<Record<DatumType, fc.Arbitrary<Datum>>> = {
  ipv4: address(4),
  ipv6: address(16),
  protocol: fc.integer({ min: 0, max: 255 }),
  port: fc.integer({ min: 0, max: 65_535 }),
  mark: fc.integer({ min: 0, max: 0xff_ff_ff_ff }),
  interface: fc.stringMatching(/^[a-z][a-z0-9.-]{0,14}$/),
  link: bytes(6).map((value) => Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join(':')),
  random: fc.integer({ min: 0, max: 0xff_ff }),
  'tcp port': fc.integer({ min: 0, max: 65_535 }),
  'udp port': fc.integer({ min: 0, max: 65_535 }),
  'sctp port': fc.integer({ min: 0, max: 65_535 }),
};

const keyTypes: readonly DatumType[] = ['ipv4', 'ipv6', 'protocol', 'port', 'mark', 'interface', 'link', 'random'];
const intervalTypes: readonly DatumType[] = ['ipv4', 'ipv6', 'protocol', 'port'];
const text = fc.stringMatching(/^[ !#-[\]-~]{1,60}$/);

const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.constantFrom<Verdict>({ kind: 'accept' }, { kind: 'drop' }, { kind: 'return' }),
  fc.record({ kind: fc.constantFrom('jump' as const, 'goto' as const), chain: fc.stringMatching(/^[a-z_]{1,20}$/) }),
);

/** One part of an interval set's key, as reading gives it back: the shortest way of saying it. */
function intervalPart(type: DatumType): fc.Arbitrary<KeyPart> {
  if (type === 'ipv4' || type === 'ipv6') {
    const length = type === 'ipv4' ? 4 : 16;
    const ranges = fc.tuple(bytes(length), fc.integer({ min: 0, max: length * 8 - 1 })).map(([value, bits]) => {
      const mask = maskOf(bits, length);
      return makePrefix(formatAddress(value.map((byte, index) => byte & (mask[index] ?? 0))), bits);
    });
    return fc.oneof(
      datum[type],
      ranges.filter((found) => found !== null && (found.family === 'IPv4') === (type === 'ipv4')).map((found) => found ?? '::'),
    );
  }
  return fc.tuple(datum[type], datum[type]).map(([one, other]) => {
    const from = Math.min(Number(one), Number(other));
    const to = Math.max(Number(one), Number(other));
    return from === to ? from : { from, to };
  });
}

function elementOf(set: SetDefinition): fc.Arbitrary<Element> {
  const key = fc.tuple(...set.key.map((type) => (set.interval ? intervalPart(type) : datum[type])));
  const value =
    set.value === null
      ? fc.constant(undefined)
      : set.value === 'verdict'
        ? verdict
        : fc.tuple(...set.value.map((type) => datum[type]));
  const timeout = set.timeout ? fc.option(fc.integer({ min: 1, max: 1_000_000 }), { nil: undefined }) : fc.constant(undefined);
  return fc.record({ key, value, timeoutSeconds: timeout, comment: fc.option(text, { nil: undefined }) }).map((element) => ({
    key: element.key,
    ...(element.value === undefined ? {} : { value: element.value }),
    ...(element.timeoutSeconds === undefined ? {} : { timeoutSeconds: element.timeoutSeconds }),
    ...(element.comment === undefined ? {} : { comment: element.comment }),
  }));
}

/** Without those that share a value with one before. */
function keepApart(set: SetDefinition, elements: readonly Element[]): readonly Element[] {
  const kept: { readonly element: Element; readonly from: Uint8Array; readonly to: Uint8Array }[] = [];
  for (const element of elements) {
    const { from, to } = keysOf(set, element);
    // Of concatenations this is more than has to be left out.
    if (kept.every((other) => compareBytes(to, other.from) < 0 || compareBytes(other.to, from) < 0))
      kept.push({ element, from, to });
  }
  return kept.map(({ element }) => element);
}

const definition: fc.Arbitrary<SetDefinition> = fc
  .record({
    interval: fc.boolean(),
    timeout: fc.boolean(),
    key: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
    value: fc.constantFrom(null, 'verdict' as const, ['mark'] as const, ['ipv4', 'port'] as const, ['ipv6', 'port'] as const),
    comment: fc.option(text),
    timeoutSeconds: fc.option(fc.integer({ min: 1, max: 100_000 })),
  })
  .map(({ interval, timeout, key, value, comment, timeoutSeconds }) => {
    const types = interval ? intervalTypes : keyTypes;
    const parts = key.map((index) => types[index % types.length] ?? 'mark');
    const ports = parts.includes('random') && value !== null && value !== 'verdict';
    return defineSet({
      name: 'set_x',
      key: parts,
      value: ports ? value.map((type): DatumType => (type === 'port' ? 'udp port' : type)) : value,
      interval,
      timeout,
      timeoutSeconds: timeout ? timeoutSeconds : null,
      comment,
    });
  });

/** Any set, with elements that do not overlap. */
export const filledSet: fc.Arbitrary<FilledSet> = definition.chain((set) =>
  fc.array(elementOf(set), { maxLength: 8 }).map((elements) => ({ set, elements: keepApart(set, elements) })),
);

const small = {
  plain: defineSet({ name: 'plain_set', key: ['ipv4'], size: 3 }),
  map: defineSet({ name: 'marks', key: ['ipv4', 'port'], value: ['mark'] }),
  ways: defineSet({ name: 'ways', key: ['mark'], value: 'verdict' }),
  nets: defineSet({ name: 'nets', key: ['ipv4'], interval: true }),
};
const chain = fc.constantFrom('a', 'b', 'c');
const one = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4');
/** None of them ends where one inside it ends: such overlaps the kernel does not find. */
const net = fc.constantFrom<KeyPart>('10.0.0.1', prefix('10.0.0.0/30'), '10.0.0.6', prefix('10.0.0.4/30'), prefix('10.0.0.8/30'));

const elementChange: fc.Arbitrary<Command> = fc
  .oneof(
    fc.tuple(
      fc.constant(small.plain),
      fc.array(
        one.map((address_): Element => ({ key: [address_] })),
        { minLength: 1, maxLength: 4 },
      ),
    ),
    fc.tuple(
      fc.constant(small.map),
      fc.array(
        fc.tuple(one, fc.nat(1), fc.nat(1)).map(([host, port, value]): Element => ({ key: [host, port], value: [value] })),
        {
          minLength: 1,
          maxLength: 2,
        },
      ),
    ),
    fc.tuple(
      fc.constant(small.ways),
      fc.array(
        fc.tuple(fc.nat(2), chain).map(([key, target]): Element => ({ key: [key], value: { kind: 'goto', chain: target } })),
        {
          minLength: 1,
          maxLength: 2,
        },
      ),
    ),
    fc.tuple(
      fc.constant(small.nets),
      fc.array(
        net.map((part): Element => ({ key: [part] })),
        { minLength: 1, maxLength: 2 },
      ),
    ),
  )
  .chain(([set, elements]) =>
    fc.constantFrom<Command>(
      { kind: 'add-elements', set, elements },
      { kind: 'add-elements', set, elements },
      { kind: 'delete-elements', set, elements },
    ),
  );

/** A command in a small world, where references, conflicts and things that are missing come up often. */
export const smallCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: elementChange },
  { weight: 2, arbitrary: chain.map((name): Command => ({ kind: 'add-chain', chain: { name, hook: null } })) },
  { weight: 1, arbitrary: chain.map((name): Command => ({ kind: 'delete-chain', chain: name })) },
  { weight: 1, arbitrary: chain.map((name): Command => ({ kind: 'flush-chain', chain: name })) },
  { weight: 2, arbitrary: fc.constantFrom(...Object.values(small)).map((set): Command => ({ kind: 'add-set', set })) },
  { weight: 1, arbitrary: fc.constantFrom(...Object.values(small)).map((set): Command => ({ kind: 'delete-set', set })) },
  { weight: 1, arbitrary: fc.constantFrom(...Object.values(small)).map((set): Command => ({ kind: 'flush-set', set })) },
  {
    weight: 2,
    arbitrary: fc.tuple(chain, chain).map(([name, target]): Command => ({
      kind: 'add-rule',
      chain: name,
      rule: { statements: [{ kind: 'jump', chain: target }] },
    })),
  },
  {
    weight: 1,
    arbitrary: chain.map((name): Command => ({
      kind: 'add-rule',
      chain: name,
      rule: { statements: [{ kind: 'vmap', key: ['mark'], map: 'ways' }, { kind: 'drop' }], comment: 'asks' },
    })),
  },
);

/** A table in which most of these commands have something to work on. */
export const smallWorld: readonly Command[] = [
  { kind: 'add-table' },
  { kind: 'add-chain', chain: { name: 'entry', hook: { type: 'filter', hook: 'input', priority: 0 } } },
  { kind: 'add-chain', chain: { name: 'a', hook: null } },
  { kind: 'add-chain', chain: { name: 'b', hook: null } },
  ...Object.values(small).map((set): Command => ({ kind: 'add-set', set })),
  { kind: 'add-rule', chain: 'entry', rule: { statements: [{ kind: 'jump', chain: 'a' }] } },
];
