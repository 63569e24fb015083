import { expect, test } from 'vitest';
import { hostPrefix } from '../model/mod.ts';
import type { SideEntry } from '../model/mod.ts';
import { describeEntry } from './describe-entry.ts';
import { describeRoute } from './describe-route.ts';
import type { KernelRoute } from './routes.ts';
import { addressOf, prefixOf } from './wish.fixture.ts';

const address = addressOf('10.96.0.1');
const spot = { address, protocol: 'TCP', port: 80 } as const;
const decision = { kind: 'decision', client: 'pod', ...spot } as const;

test.each<[SideEntry, string]>([
  [{ ...decision, decision: { verdict: 'reject' } }, 'decision/pod/10.96.0.1/TCP/80: reject'],
  [{ ...decision, decision: { verdict: 'mark', mark: 257 } }, 'decision/pod/10.96.0.1/TCP/80: mark 257'],
  [
    { ...decision, lastPort: 90, decision: { verdict: 'balance', server: 0, masquerade: true } },
    'decision/pod/10.96.0.1/TCP/80-90: balance, server 0, masquerade',
  ],
  [
    { ...decision, address: null, decision: { verdict: 'sticky', group: 17, masquerade: false } },
    'decision/pod/*/TCP/80: sticky, group 17',
  ],
  [{ kind: 'sticky', group: 17, timeoutSeconds: 60, servers: [16, 18] }, 'sticky/17: 60 s, servers 16 18'],
  [{ kind: 'loopback', protocol: 'UDP', port: 53, targets: [] }, 'loopback/UDP/53: reject'],
  [{ kind: 'loopback', protocol: 'UDP', port: 53, targets: [{ address, port: 54 }] }, 'loopback/UDP/53: 10.96.0.1:54'],
  [{ kind: 'lane', mark: 257, masquerade: true }, 'lane/257: masquerade'],
  [{ kind: 'rewrite', ...spot, to: 8080, direct: true }, 'rewrite/10.96.0.1/TCP/80: to port 8080, which clients may use too'],
  [{ kind: 'clamp', address, size: null }, 'clamp/10.96.0.1: what the route takes'],
  [{ kind: 'clamp', address, size: 1400 }, 'clamp/10.96.0.1: 1400 octets'],
  [{ kind: 'peer', address, link: null }, 'peer/10.96.0.1'],
  [{ kind: 'peer', address, link: 'aa:bb:cc:dd:ee:ff' }, 'peer/10.96.0.1: aa:bb:cc:dd:ee:ff'],
  [{ kind: 'hairpin', address }, 'hairpin/10.96.0.1'],
  [{ kind: 'record', text: 's 10.96.0.1' }, 'record/s 10.96.0.1'],
])('an entry in words: %j', (entry, text) => {
  expect(describeEntry(entry)).toBe(text);
});

const route = { table: 255, type: 'local', device: 'lo', source: null, gateway: null, protocol: 87 } as const;

test.each<[KernelRoute, string]>([
  [{ kind: 'route', route: { ...route, destination: hostPrefix(address) } }, 'local 10.96.0.1/32 dev lo table local proto 87'],
  [
    {
      kind: 'route',
      route: {
        ...route,
        type: 'unicast',
        device: null,
        table: 7,
        gateway: address,
        source: address,
        destination: prefixOf('fd00::/64'),
      },
    },
    'fd00::/64 via 10.96.0.1 table 7 proto 87 src 10.96.0.1',
  ],
  [
    { kind: 'rule', rule: { priority: 90, mark: { value: 4096, mask: 4096 }, table: 22_359, protocol: 87, further: false } },
    '90: from all fwmark 0x1000/0x1000 lookup 22359 proto 87',
  ],
])('a route as ip prints it: %j', (one, text) => {
  expect(describeRoute(one)).toBe(text);
});
