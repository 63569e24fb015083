import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../netlink/mod.ts';
import { filledSet } from './arbitrary.fixture.ts';
import { decodeChain, decodeRule } from './decode-chain.ts';
import { assembleElements, decodeElements } from './decode-element.ts';
import type { ListedElement } from './decode-element.ts';
import { decodeStatements } from './decode-rule.ts';
import { decodeSet } from './decode-set.ts';
import { encodeTransaction } from './encode.ts';
import { writeStatements } from './encode-rule.ts';
import { parseToolError } from './parse-error.ts';
import { parseTable } from './parse-table.ts';
import { formatRule } from './rule-equal.ts';
import { makeSamples } from './samples.fixture.ts';
import type { Command } from './transaction.ts';

const headerLength = 4;

/** The attributes of each message that a command comes to. */
function encode(command: Command): readonly DataView[] {
  const { messages } = encodeTransaction({ table: { family: 'ip', name: 'table_x' }, commands: [command] });
  return messages.map(({ body }) => {
    const writer = new ByteWriter();
    body(writer);
    const bytes = writer.finish().slice(headerLength);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  });
}

const sortText = (values: readonly unknown[]): readonly string[] => values.map((value) => JSON.stringify(value)).toSorted();

describe('the codec', () => {
  test('reads sets as they were written', () => {
    fc.assert(
      fc.property(filledSet, ({ set }) => {
        expect(encode({ kind: 'add-set', set }).map(decodeSet)).toEqual([
          { table: 'table_x', name: 'set_x', anonymous: false, set },
        ]);
      }),
    );
  });

  test('reads elements as they were written', () => {
    fc.assert(
      fc.property(filledSet, ({ set, elements }) => {
        fc.pre(elements.length > 0);
        const items = encode({ kind: 'add-elements', set, elements }).flatMap(
          (view): readonly ListedElement[] => decodeElements(set, view) ?? [],
        );
        const wanted = elements.map(({ key, value, timeoutSeconds, comment }) => ({
          key,
          value,
          timeoutSeconds: timeoutSeconds === set.timeoutSeconds ? undefined : timeoutSeconds,
          comment,
        }));
        const read = assembleElements(set, items)?.map(({ key, value, timeoutSeconds, comment }) => ({
          key,
          value,
          timeoutSeconds,
          comment,
        }));
        expect(sortText(read ?? [])).toEqual(sortText(wanted));
      }),
    );
  });

  test('cuts long lists into messages whose attributes fit 16 bits', () => {
    const elements = Array.from({ length: 1000 }, (_, index) => ({
      key: [`fd00::${index.toString(16)}`, `fd00::${index.toString(16)}`],
      value: { kind: 'goto' as const, chain: 'c'.repeat(127) },
      comment: 'x'.repeat(127),
    }));
    const set = { ...filledSetOfPairs, value: 'verdict' as const };
    const messages = encode({ kind: 'add-elements', set, elements });
    expect(messages.length).toBeGreaterThan(1);
    expect(messages.flatMap((view) => decodeElements(set, view) ?? [])).toHaveLength(1000);
  });

  test.each(['ip', 'ip6'] as const)('reads the samples of %s rules as they were written', (family) => {
    const samples = makeSamples(family).rules.map(({ statements }) => statements);
    const rules = fc.array(fc.constantFrom(...samples), { minLength: 1, maxLength: 4 }).map((list) => list.flat());
    fc.assert(
      fc.property(rules, (statements) => {
        const writer = new ByteWriter();
        writeStatements(writer, family, statements);
        const bytes = writer.finish();
        const read = decodeStatements(family, new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
        expect(formatRule(family, read ?? [])).toBe(formatRule(family, statements));
      }),
      { numRuns: 300 },
    );
  });

  test('never throws, whatever bytes it is given', () => {
    const views = fc.uint8Array({ maxLength: 200 }).map((bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
    fc.assert(
      fc.property(views, filledSet, (view, { set }) => {
        for (const decode of [
          decodeSet,
          (bytes: DataView) => decodeChain('arp', bytes),
          (bytes: DataView) => decodeRule('ip', bytes),
        ])
          decode(view);
        const items = decodeElements(set, view);
        if (items !== null) assembleElements(set, items);
        expect(decodeStatements('inet', view) ?? []).toBeInstanceOf(Array);
      }),
    );
  });

  test('never throws at cut or altered messages of its own', () => {
    const rules = makeSamples('ip').rules;
    fc.assert(
      fc.property(fc.constantFrom(...rules), fc.nat(), fc.nat(255), fc.nat(), ({ chain, statements }, at, byte, cut) => {
        const [view] = encode({ kind: 'add-rule', chain, rule: { statements } });
        if (view === undefined) throw new Error('no message');
        view.setUint8(at % view.byteLength, byte);
        const part = new DataView(view.buffer, view.byteOffset, cut % (view.byteLength + 1));
        expect(decodeRule('ip', part)).toBeNull();
      }),
    );
  });
});

const filledSetOfPairs = {
  name: 'pairs',
  key: ['ipv6', 'ipv6'],
  value: null,
  interval: false,
  dynamic: false,
  timeout: false,
  timeoutSeconds: null,
  constant: false,
  size: null,
  comment: null,
} as const;

describe('what the tool writes', () => {
  test('is never taken for more than it is', () => {
    const name = { family: 'ip', name: 't' } as const;
    fc.assert(
      fc.property(fc.json(), fc.string(), (json, terse) => {
        expect(parseTable(name, `{"nftables":[{"rule":${json}}]}`, terse).ok).toBe(false);
        parseTable(name, json, terse);
        expect(parseTable(name, `{"nftables":[{"set":{"name":"s","type":"mark","elem":${json}}}]}`, terse)).toHaveProperty('ok');
        expect(
          parseTable(name, `{"nftables":[{"chain":{"name":"c"}},{"rule":{"chain":"c","handle":1,"expr":${json}}}]}`, terse).ok,
        ).toBe(true);
      }),
    );
  });

  test.each([
    ['/dev/stdin:3:1-9: Error: Could not process rule: File exists\nadd …', 'WP_NFT_EXISTS', 2],
    ['/dev/stdin:1:19-19: Error: Could not process rule: Device or resource busy', 'WP_NFT_BUSY', 0],
    ['/dev/stdin:2:23-33: Error: interval overlaps with an existing one', 'WP_NFT_EXISTS', 1],
    [
      'Operation not permitted (you must be root)\nnetlink: Error: cache initialization failed: Operation not permitted',
      'WP_NFT_DENIED',
      null,
    ],
    ['Error: No such file or directory\nlist table ip t\n^', 'WP_NFT_MISSING', null],
    ['internal:0:0-0: Error: Could not process rule: Too many open files in system', 'WP_NFT_FULL', null],
    ['/dev/stdin:7:1-1: Error: something new', 'WP_NFT_REFUSED', 6],
    ['', 'WP_NFT_REFUSED', null],
  ])('%j is %s of line %s', (stderr, code, line) => {
    expect(parseToolError(stderr)).toMatchObject({ code, line });
  });
});
