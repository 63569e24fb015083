import { expect, test } from 'vitest';
import { parseAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { buildGreetings } from './announce-frame.ts';

const hardware = Uint8Array.of(2, 0x57, 0, 0, 0, 0xa1);
const mac = '0257000000a1';
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

test('an IPv4 address is told of by a request and a reply, to everybody [INGRESS-49]', () => {
  const frames = buildGreetings(parseAddress('192.0.2.50') as Address, hardware, null);
  const head = `ffffffffffff${mac}0806000108000604`;
  const padding = '00'.repeat(18);
  expect(frames.map(hex)).toEqual([
    `${head}0001${mac}c0000232000000000000c0000232${padding}`,
    `${head}0002${mac}c0000232${mac}c0000232${padding}`,
  ]);
});

test('an IPv6 address is told of by an advertisement that overrides, with a checksum that is right [INGRESS-49]', () => {
  const source = parseAddress('fe80::57:a1') as Address;
  const [frame, ...more] = buildGreetings(parseAddress('2001:db8::50') as Address, hardware, source);
  expect(more).toEqual([]);
  expect(hex(frame?.subarray(0, 22))).toBe(`333300000001${mac}86dd6000000000203aff`);
  expect(hex(frame?.subarray(22, 54))).toBe('fe8000000000000000000000005700a1ff020000000000000000000000000001');
  expect(hex(frame?.subarray(54, 56))).toBe('8800');
  expect(hex(frame?.subarray(58))).toBe(`2000000020010db80000000000000000000000500201${mac}`);
  // RFC 1071: the sum over everything, the checksum included, is all ones. Pseudo header: addresses, length, next header.
  const summed = Buffer.concat([
    frame?.subarray(22, 54) ?? Buffer.of(),
    Buffer.of(0, 0, 0, 32, 0, 0, 0, 58),
    frame?.subarray(54) ?? Buffer.of(),
  ]);
  let sum = 0;
  for (let at = 0; at < summed.length; at += 2) sum += summed.readUInt16BE(at);
  expect((sum & 0xffff) + (sum >>> 16)).toBe(0xffff);
});
