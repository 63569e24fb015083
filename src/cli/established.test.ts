import { expect, test } from 'vitest';
import { countEstablished } from './established.ts';

/** As a kernel printed it. */
const listing = `Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 0AF4010A A8C2 0A600001 0050 0AF4010B 1F90 ESTABLISHED    7499
TCP 0AF4010A A8C4 0A600001 0050 0AF4010B 1F90 SYN_SENT        118
TCP 0AF4010A A8C6 0A600001 0050 0AF4010B 1F90 SYN_RECV         58
TCP 0AF4010A A8C8 0A600001 0050 0AF4010B 1F90 TIME_WAIT       101
TCP 0AF4010A A8CA 0A600001 0050 0AF4010C 1F90 ESTABLISHED    7499
UDP 0AF4010A A8CC 0A600001 0050 0AF4010B 1F90 UDP              59
TCP fd00:0010:0244:0001:0000:0000:0000:0010 8A84 fd00:0010:0096:0000:0000:0000:0000:0001 0050 fd00:0010:0244:0001:0000:0000:0000:0011 1F90 ESTABLISHED    7498
`;

test('what is being opened or is open counts, of the destinations asked for', () => {
  expect(countEstablished(listing, 'IPv4', new Set(['10.244.1.11:8080']))).toBe(2);
  expect(countEstablished(listing, 'IPv4', new Set(['10.244.1.11:8080', '10.244.1.12:8080']))).toBe(3);
  expect(countEstablished(listing, 'IPv4', new Set(['10.244.1.11:80']))).toBe(0);
  expect(countEstablished(listing, 'IPv6', new Set(['[fd00:10:244:1::11]:8080', '10.244.1.11:8080']))).toBe(1);
});

test('a destination of port 0 has the connections to all ports of its address', () => {
  expect(countEstablished(listing, 'IPv4', new Set(['10.244.1.11:0']))).toBe(2);
  expect(countEstablished(listing, 'IPv4', new Set(['10.244.1.11:0', '10.244.1.11:8080']))).toBe(2);
  expect(countEstablished(listing, 'IPv4', new Set(['10.244.1.1:0']))).toBe(0);
  expect(countEstablished(listing, 'IPv6', new Set(['[fd00:10:244:1::11]:0']))).toBe(1);
});
