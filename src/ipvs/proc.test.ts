import { describe, expect, it } from 'vitest';
import { readProcServers } from './proc.ts';

const text = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
UDP  0A000001:0035 rr ops  
TCP  [fd00:0000:0000:0000:0000:0000:0000:0002]:0050 wrr persistent 25000 80000000
TCP  [fd00:0000:0000:0000:0000:0000:0000:0001]:0050 wrr persistent 25000 40000000
  -> [fd01:0000:0000:0000:0000:0000:0000:0001]:0050      Masq    1      0          0         
TCP  0A000001:0050 mh  persistent 25000 FFFFFF00
  -> 0A010006:0050      Route   0      3          4         
  -> 0A010002:0051      Tunnel  70000  0          0         
SCTP  0A000001:0063 rr  
FWM  00000005 rr 
  -> 0A010001:0000      Local   1      0          0         
FWM  FFFFFFFF wrr persistent 25000 40000000
FWM  FFFFFFFE wrr persistent 25000 FFFF0000
`;

describe('readProcServers', () => {
  it('[IPVS-16] reads hex and bracketed addresses, marks, ticks, turned-round prefixes and the one-packet flag', () => {
    const servers = readProcServers(text);
    if (!servers.ok) throw new Error(servers.problem.message);
    const tcp = { kind: 'address', protocol: 'TCP' };
    expect(servers.value).toEqual([
      {
        key: { ...tcp, protocol: 'UDP', address: '10.0.0.1', port: 53 },
        scheduler: 'rr',
        onePacket: true,
        persistence: null,
        destinations: [],
      },
      {
        key: { ...tcp, address: 'fd00::2', port: 80 },
        scheduler: 'wrr',
        onePacket: false,
        persistence: { jiffies: 25_000, prefixLength: 128 },
        destinations: [],
      },
      {
        key: { ...tcp, address: 'fd00::1', port: 80 },
        scheduler: 'wrr',
        onePacket: false,
        persistence: { jiffies: 25_000, prefixLength: 64 },
        destinations: [{ address: 'fd01::1', port: 80, method: 'masquerade', weight: 1, active: 0, inactive: 0 }],
      },
      {
        key: { ...tcp, address: '10.0.0.1', port: 80 },
        scheduler: 'mh',
        onePacket: false,
        persistence: { jiffies: 25_000, prefixLength: 24 },
        destinations: [
          { address: '10.1.0.6', port: 80, method: 'direct', weight: 0, active: 3, inactive: 4 },
          { address: '10.1.0.2', port: 81, method: 'tunnel', weight: 70_000, active: 0, inactive: 0 },
        ],
      },
      {
        key: { ...tcp, protocol: 'SCTP', address: '10.0.0.1', port: 99 },
        scheduler: 'rr',
        onePacket: false,
        persistence: null,
        destinations: [],
      },
      {
        key: { kind: 'mark', mark: 5 },
        scheduler: 'rr',
        onePacket: false,
        persistence: null,
        destinations: [{ address: '10.1.0.1', port: 0, method: 'local', weight: 1, active: 0, inactive: 0 }],
      },
      {
        key: { kind: 'mark', mark: 0xffff_ffff },
        scheduler: 'wrr',
        onePacket: false,
        persistence: { jiffies: 25_000, prefixLength: 64 },
        destinations: [],
      },
      {
        key: { kind: 'mark', mark: 0xffff_fffe },
        scheduler: 'wrr',
        onePacket: false,
        persistence: { jiffies: 25_000, prefixLength: 16 },
        destinations: [],
      },
    ]);
  });

  it.each([
    '  -> 0A010001:0000 Masq 1 0 0',
    'TCP  10.0.0.1:80 rr',
    'TCP  0A000001:0050',
    'TCP  0A000001:0050 rr persistent soon FFFFFFFF',
    'FWM  5 rr',
    'TCP  0A000001:0050 rr\n  -> 0A010001:0050 Teleport 1 0 0',
    'TCP  0A000001:0050 rr\n  -> 0A010001:0050 Masq 1 x 0',
  ])('refuses %j', (line) => expect(readProcServers(line)).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_UNREADABLE' } }));
});
