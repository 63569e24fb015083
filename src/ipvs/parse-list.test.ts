import { describe, expect, it } from 'vitest';
import { unknownTraffic } from '../model/mod.ts';
import { joinListing } from './join-listing.ts';
import { parseBanner, parseListing, parseTimeouts } from './parse-list.ts';
import { addDestination, addServer, markKey, plainDestination, plainServer } from './values.fixture.ts';

const thresholds = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn 
  -> RemoteAddress:Port
FWM  -1 rr
FWM  5 IPv6 rr
  -> [fd00:10:244:1111:2222:3333:4444:5555]:8080 10         5          1          2         
TCP  10.0.0.1:80 mh (mh-fallback,mh-port) persistent 100 mask 255.255.255.0
  -> 10.1.0.1:80                  0          0          0          0         
SCTP 10.0.0.1:99 rr
`;

describe('parseListing', () => {
  it('[IPVS-15] finds the thresholds of each destination, and servers without any', () => {
    const listing = parseListing(thresholds);
    if (!listing.ok) throw new Error(listing.problem.message);
    expect([...listing.value].map(([key, rows]) => [key, [...rows]])).toEqual([
      ['FWM 4294967295 IPv4', []],
      ['FWM 5 IPv6', [['[fd00:10:244:1111:2222:3333:4444:5555]:8080', [10, 5, 1, 2]]]],
      ['TCP 10.0.0.1:80', [['10.1.0.1:80', [0, 0, 0, 0]]]],
      ['SCTP 10.0.0.1:99', []],
    ]);
  });

  it.each(['  -> 10.1.0.1:80 1 2 3 4', 'TCP nowhere rr', 'TCP 10.0.0.1:80 rr\n  -> 10.1.0.1:80 1 2 3', 'IPX 1:2 rr'])(
    'refuses %j',
    (text) => expect(parseListing(text)).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_UNREADABLE' } }),
  );
});

describe('joinListing', () => {
  it('[IPVS-15] puts thresholds and counters to the lines of a save; what a listing lacks is 0', () => {
    const key = markKey('IPv6', 5);
    const [seen, unseen] = [plainDestination('fd00:10:244:1111:2222:3333:4444:5555', 8080), plainDestination('fd00::2', 1)];
    const listing = parseListing(thresholds);
    const connections = parseListing('FWM  5 IPv6 rr\n  -> [fd00:10:244:1111:2222:3333:4444:5555]:8080 1 7 8 9\n');
    if (!listing.ok || !connections.ok) throw new Error('unreadable');
    const lines = [addServer(plainServer(key)), addDestination(key, seen), addDestination(key, unseen)];
    expect(joinListing(lines, listing.value, connections.value)).toEqual([
      {
        ...plainServer(key),
        destinations: [
          {
            ...seen,
            upperThreshold: 10,
            lowerThreshold: 5,
            counters: { persistent: 7, active: 8, inactive: 9, ...unknownTraffic },
          },
          { ...unseen, counters: { persistent: 0, active: 0, inactive: 0, ...unknownTraffic } },
        ],
      },
    ]);
  });
});

describe('the other outputs of the tool', () => {
  it('are read', () => {
    expect(parseBanner(thresholds)).toEqual({ ok: true, value: { version: '1.2.1', connectionTableSize: 4096 } });
    expect(parseTimeouts('Timeout (tcp tcpfin udp): 900 120 300\n')).toEqual({
      ok: true,
      value: { tcp: 900, tcpFin: 120, udp: 300 },
    });
  });

  it('are refused where they are something else', () => {
    expect(parseBanner('ipvsadm v1.31')).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_UNREADABLE' } });
    expect(parseTimeouts('')).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_UNREADABLE' } });
  });
});
