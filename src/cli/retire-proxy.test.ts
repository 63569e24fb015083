import { expect, test } from 'vitest';
import type { Address } from '../model/mod.ts';
import { readServers } from './retire-proxy.ts';

/** `/proc/net/ip_vs` of a node on which kube-proxy ran, with a keepalived beside. */
const listing = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A600001:0050 rr
  -> 0AF4010B:1F90      Masq    1      3          1
UDP  0A60000A:0035 rr
  -> 0AF4010C:0035      Masq    1      0          2
TCP  CB007132:0050 wlc
  -> 0AF4020A:01BB      Masq    9      1          0
TCP  [fd00:0010:0096:0000:0000:0000:0000:0001]:0050 rr
  -> [fd00:0010:0244:0001:0000:0000:0000:0011]:1F90      Masq    1      1          0
`;

const addresses = new Set(['10.96.0.1', '10.96.0.10', 'fd00:10:96::1'] as Address[]);

test('[SP-159] servers on the addresses of kube-proxy’s interface are looked at, of one family, and no others', () => {
  const read = readServers(listing, addresses, 'IPv4');
  expect(
    read.ok &&
      read.value.map(({ server, target, destinations }) => [server, target, destinations[0]?.endpoint, destinations[0]?.active]),
  ).toEqual([
    ['TCP 10.96.0.1:80', null, '10.244.1.11:8080', 3],
    ['UDP 10.96.0.10:53', { address: '10.96.0.10', port: 53 }, '10.244.1.12:53', 0],
  ]);
  const other = readServers(listing, addresses, 'IPv6');
  expect(other.ok && other.value.map(({ server }) => server)).toEqual(['TCP [fd00:10:96::1]:80']);
});
