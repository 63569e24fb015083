import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rcode, recordType } from './constants.ts';
import { encodeQuery } from './encode-query.ts';
import { lowerName, parseName } from './name.ts';
import { octetsOf } from './read-name.ts';
import { Query, queryVerdict, readQuery } from './read-query.ts';

const name = parseName('Web.Shop.svc.cluster.local.') ?? '';
const plain = encodeQuery({ id: 0xbeef, name, type: 1, dnssecOk: true, checkingDisabled: true, udpSize: 1400 });

function read(bytes: Uint8Array): { readonly verdict: number; readonly query: Query } {
  const query = new Query();
  return { verdict: readQuery(query, bytes, 0, bytes.length), query };
}

/** The message with some octets replaced. */
function patch(at: number, ...octets: readonly number[]): Uint8Array {
  const bytes = Uint8Array.from(plain);
  bytes.set(octets, at);
  return bytes;
}

/** The question alone, with these counts and what follows it. */
function withRecords(counts: readonly [number, number, number], ...records: readonly string[]): Uint8Array {
  const head = patch(6, 0, counts[0], 0, counts[1], 0, counts[2]).subarray(0, 12 + name.length + 4);
  return Uint8Array.from([...head, ...octetsOf(records.join(''))]);
}

const opt = (owner = '\0', data = ''): string => `${owner}\0\x29\x05\x00\0\0\0\0\0${String.fromCharCode(data.length)}${data}`;

describe('a question is read', () => {
  test('[DNS-76][DNS-77] with its flags, its size and the name in lower case', () => {
    const { verdict, query } = read(plain);
    expect(verdict).toBe(queryVerdict.fine);
    expect([query.id, query.type, query.class, query.labels]).toEqual([0xbeef, 1, 1, 5]);
    expect([query.hasOpt, query.dnssecOk, query.checkingDisabled, query.udpSize]).toEqual([true, true, true, 1400]);
    expect([query.name, query.spelledName]).toEqual([name.toLowerCase(), name]);
  });

  test('[DNS-67] two spellings have one hash', () => {
    const other = encodeQuery({
      id: 1,
      name: name.toUpperCase(),
      type: 1,
      dnssecOk: false,
      checkingDisabled: false,
      udpSize: 512,
    });
    expect(read(other).query.hash).toBe(read(plain).query.hash);
  });

  test('[DNS-67] octets of any value at any place: letters of ASCII alone are folded', () => {
    const labels = fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(labels, fc.nat(3), (octets, shift) => {
        const text = `${octets.map((label) => String.fromCharCode(label.length, ...label)).join('')}\0`;
        const bytes = encodeQuery({ id: 1, name: text, type: 1, dnssecOk: false, checkingDisabled: false, udpSize: 512 });
        const query = new Query();
        // At every distance from a whole word, and with another name before.
        readQuery(query, plain, 0, plain.length);
        expect(readQuery(query, Buffer.concat([Buffer.alloc(shift), bytes]), shift, bytes.length)).toBe(queryVerdict.fine);
        expect([query.name, query.spelledName]).toEqual([lowerName(text), text]);
        const padding = query.lower.subarray(text.length, Math.ceil(text.length / 4) * 4);
        expect(padding.every((octet) => octet === 0)).toBe(true);
      }),
    );
  });

  test('[DNS-89] a size below 512 counts as 512', () => {
    const small = encodeQuery({ id: 1, name, type: 1, dnssecOk: false, checkingDisabled: false, udpSize: 200 });
    expect(read(small).query.udpSize).toBe(512);
  });

  test('[DNS-24] names of 255 octets and 127 labels are legal, longer ones are not', () => {
    const longest = `${'\x01a'.repeat(127)}\0`;
    const ask = (text: string): number =>
      read(encodeQuery({ id: 1, name: text, type: 1, dnssecOk: false, checkingDisabled: false, udpSize: 512 })).verdict;
    expect(longest.length).toBe(255);
    expect(ask(longest)).toBe(queryVerdict.fine);
    expect(ask(`\x01a${longest}`)).toBe(rcode.FORMERR);
    expect(ask(`\x02aa${'\x01a'.repeat(126)}\0`)).toBe(rcode.FORMERR);
  });
});

describe('what is no question', () => {
  test('[DNS-78] replies and what is too short are dropped', () => {
    expect(read(patch(2, 0x81)).verdict).toBe(queryVerdict.drop);
    expect(read(plain.subarray(0, 11)).verdict).toBe(queryVerdict.drop);
  });

  test.each([1, 2, 3, 4, 5, 6, 15])('[DNS-79] opcode %i is not implemented, however the rest looks', (opcode) => {
    expect(read(patch(2, opcode << 3)).verdict).toBe(rcode.NOTIMP);
    expect(read(patch(2, opcode << 3).subarray(0, 14)).verdict).toBe(rcode.NOTIMP);
  });

  test.each([3, 4, 255, 254, 0])('[DNS-80][DNS-81] class %i is refused', (number) => {
    expect(read(patch(12 + name.length + 2, 0, number)).verdict).toBe(rcode.REFUSED);
  });

  test.each([recordType.AXFR, recordType.IXFR])('[DNS-82] transfer type %i is refused', (type) => {
    expect(read(patch(12 + name.length, 0, type)).verdict).toBe(rcode.REFUSED);
  });

  test.each([0, recordType.OPT, recordType.TSIG, 0xffff])('[DNS-91] meta type %i is malformed', (type) => {
    expect(read(patch(12 + name.length, type >> 8, type & 255)).verdict).toBe(rcode.FORMERR);
  });

  test('[DNS-85] a later version of EDNS', () => {
    const bytes = patch(plain.length - 5, 1);
    expect(read(bytes)).toMatchObject({ verdict: rcode.BADVERS, query: { hasOpt: true } });
  });

  test.each([
    ['no question', patch(5, 0)],
    ['two questions', patch(5, 2)],
    ['two answers', withRecords([2, 0, 0])],
    ['two authorities', withRecords([0, 2, 0])],
    ['three additional records', withRecords([0, 0, 3])],
    ['a claimed record that is absent', withRecords([0, 0, 1])],
    ['a cut name', plain.subarray(0, 20)],
    ['a cut type', plain.subarray(0, 12 + name.length + 3)],
    ['a label type 01', patch(12, 0x43)],
    ['a label type 10', patch(12, 0x83)],
    ['a pointer in the question', patch(12, 0xc0, 0x0c)],
    ['a pointer that looks ahead', withRecords([0, 0, 1], opt('\xc0\x60'))],
    ['a pointer to itself', withRecords([0, 0, 1], `\xc0${String.fromCharCode(12 + name.length + 4)}\0\x01\0\x01\0\0\0\0\0\0`)],
    ['a cut record', withRecords([0, 0, 1], opt().slice(0, 8))],
    ['RDATA that runs over', withRecords([0, 0, 1], opt().slice(0, -1), '\x09')],
    ['two OPT records', withRecords([0, 0, 2], opt(), opt())],
    ['an OPT record with an owner', withRecords([0, 0, 1], opt('\x01a\0'))],
    ['an OPT record among the answers', withRecords([1, 0, 0], opt())],
    ['an option that runs over', withRecords([0, 0, 1], opt('\0', '\0\x03\0\x05ab'))],
    ['half an option', withRecords([0, 0, 1], opt('\0', '\0\x03\0'))],
    ['a cookie of 7 octets', withRecords([0, 0, 1], opt('\0', '\0\x0a\0\x071234567'))],
  ])('[DNS-88][DNS-91] %s is malformed', (_, bytes) => {
    expect(read(bytes).verdict).toBe(rcode.FORMERR);
  });

  test.each([
    ['unknown option', '\xff\xfe\0\x02ab'],
    ['client subnet', '\0\x08\0\x07\0\x01\x18\0\x0a\0\0'],
    ['NSID', '\0\x03\0\0'],
    ['cookie', '\0\x0a\0\x0812345678'],
    ['keepalive', '\0\x0b\0\0'],
  ])('[DNS-87] %s is no fault', (_, data) => {
    expect(read(withRecords([0, 0, 1], opt('\0', data)))).toMatchObject({ verdict: queryVerdict.fine, query: { hasOpt: true } });
  });

  test('[DNS-91] octets behind the last record are no fault', () => {
    expect(read(Uint8Array.from([...plain, 1, 2, 3])).verdict).toBe(queryVerdict.fine);
  });

  test('[DNS-91] no octets make it throw or read beyond the end', () => {
    const changed = fc.tuple(fc.array(fc.tuple(fc.nat(plain.length - 1), fc.nat(255))), fc.nat(plain.length));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), changed), (input) => {
        const bytes =
          input instanceof Uint8Array
            ? input
            : Uint8Array.from(plain, (octet, at) => input[0].findLast(([place]) => place === at)?.[1] ?? octet).slice(
                0,
                input[1],
              );
        const { verdict, query } = read(bytes);
        const longer = Uint8Array.from([9, 9, ...bytes, ...new Uint8Array(300).fill(1)]);
        expect(readQuery(new Query(), longer, 2, bytes.length)).toBe(verdict);
        expect(query.nameLength === 0 || 12 + query.nameLength + 4 <= bytes.length).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
