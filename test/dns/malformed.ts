import { octetsOf } from '../../src/dns/read-name.ts';
import type { Name } from '../../src/dns/name.ts';
import { makeOpt, makeQuery } from './asker.ts';

/** Octets as characters. */
const record = (owner: string, type: number, data: string, claimed = data.length): string =>
  `${owner}\0${String.fromCharCode(type)}\0\x01\0\0\0\0\0${String.fromCharCode(claimed)}${data}`;

/** Messages that specification 6.7 and 7.4 call malformed, made from a good question for `name`. */
export function listMalformed(name: Name): readonly (readonly [title: string, message: Buffer])[] {
  const plain = makeQuery(name, { edns: {} });
  const behind = 12 + name.length + 4;
  const patch = (at: number, ...octets: readonly number[]): Buffer => {
    const bytes = Buffer.from(plain);
    bytes.set(octets, at);
    return bytes;
  };
  const withRecords = (counts: readonly [number, number, number], ...records: readonly string[]): Buffer => {
    const head = patch(6, 0, counts[0], 0, counts[1], 0, counts[2]).subarray(0, behind);
    return Buffer.concat([head, octetsOf(records.join(''))]);
  };
  const named = (octets: string): Buffer => makeQuery(octets);
  const opt = makeOpt({});
  return [
    ['no question', patch(5, 0)],
    ['two questions', patch(5, 2)],
    ['65535 questions', patch(4, 255, 255)],
    ['two answers', withRecords([2, 0, 0], record('\0', 1, 'abcd'), record('\0', 1, 'abcd'))],
    ['two authorities', withRecords([0, 2, 0], record('\0', 1, 'abcd'), record('\0', 1, 'abcd'))],
    ['three additional records', withRecords([0, 0, 3], ...Array.from({ length: 3 }, () => record('\0', 1, 'abcd')))],
    ['all counts at their highest', patch(4, ...Array.from({ length: 8 }, () => 255))],
    ['nothing but a header that claims a question', plain.subarray(0, 12)],
    ['a name that is cut off in a label', plain.subarray(0, 20)],
    ['a name without its end', plain.subarray(0, 12 + name.length - 1)],
    ['a question without a type', plain.subarray(0, 12 + name.length)],
    ['half a class', plain.subarray(0, behind - 1)],
    ['a label of type 01', patch(12, 0x43)],
    ['a label of type 10', patch(12, 0x83)],
    ['a name that is a pointer to itself', named('\xc0\x0c')],
    ['a name that points ahead', named('\xc0\x20')],
    ['a label and a pointer back to it', named('\x01a\xc0\x0c')],
    ['a name of 256 octets', named(`\x02aa${'\x01a'.repeat(126)}\0`)],
    ['a name of 300 octets', named(`${'\x04aaaa'.repeat(60)}\0`)],
    ['a record with a pointer that looks ahead', withRecords([0, 0, 1], record('\xc0\xff', 1, 'abcd'))],
    ['a record that points to itself', withRecords([0, 0, 1], record(`\xc0${String.fromCharCode(behind)}`, 1, 'abcd'))],
    ['a record that is cut off', withRecords([0, 0, 1], opt.slice(0, 8))],
    ['RDATA that runs over the end', withRecords([0, 0, 1], record('\0', 1, 'abcd', 9))],
    ['two OPT records', withRecords([0, 0, 2], opt, opt)],
    ['an OPT record with an owner', withRecords([0, 0, 1], `\x01a${opt}`)],
    ['an OPT record among the answers', withRecords([1, 0, 0], opt)],
    ['an option that runs over', withRecords([0, 0, 1], makeOpt({ options: '\0\x03\0\x05ab' }))],
    ['half an option', withRecords([0, 0, 1], makeOpt({ options: '\0\x03\0' }))],
  ];
}
