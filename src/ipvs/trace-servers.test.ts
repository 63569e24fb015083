import { describe, expect, test } from 'vitest';
import { parseAddress, startWorld, stepsOf, unknownTraffic } from '../model/mod.ts';
import type { Address, PacketWorld, StageEnd, TraceHost } from '../model/mod.ts';
import { createServerStages } from './trace-servers.ts';
import type { ListedDestination, ListedServer } from './virtual-server.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(text);
  return parsed;
}

function destination(host: number, change: Partial<ListedDestination> = {}): ListedDestination {
  return {
    address: address(`10.1.0.${host}`),
    port: 8080,
    forwarding: { method: 'masquerade' },
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
    counters: { active: 0, inactive: 0, persistent: 0, ...unknownTraffic },
    ...change,
  };
}

function server(destinations: readonly ListedDestination[], change: Partial<ListedServer> = {}): ListedServer {
  return {
    key: { kind: 'address', protocol: 'TCP', address: address('10.96.0.1'), port: 80 },
    scheduler: 'wrr',
    schedulerFlags: [],
    persistence: null,
    onePacket: false,
    persistenceEngine: null,
    destinations,
    ...change,
  };
}

const host: TraceHost = { family: 'IPv4', addressType: () => 'unicast', masqueradeAddress: () => null };

function walk(servers: readonly ListedServer[], change: Partial<PacketWorld> = {}): readonly StageEnd[] {
  const packet = {
    family: 'IPv4',
    protocol: 'TCP',
    source: address('10.1.0.5'),
    sourcePort: 40_000,
    destination: address('10.96.0.1'),
    destinationPort: 80,
  } as const;
  const world = { ...startWorld({ packet, inDevice: 'veth5', mark: 0, link: null, memory: new Map() }), ...change };
  const [stage] = createServerStages(servers, 'IPv4');
  const walked = stage?.walk(world, host);
  if (walked === undefined || !walked.ok) throw new Error('no stage');
  return walked.value;
}

const shares = (ends: readonly StageEnd[]): unknown =>
  ends.map(({ verdict, world: { packet, probability } }) => [verdict, packet.destination, packet.destinationPort, probability]);

test('stands where the kernel has it', () => {
  expect(createServerStages([], 'IPv4').map(({ hook, priority }) => [hook, priority])).toEqual([
    ['input', 99],
    ['output', -98],
  ]);
});

describe('a virtual server', () => {
  test('shares out by weight, or alike where its scheduler looks at none', () => {
    const destinations = [destination(6, { weight: 3 }), destination(7), destination(8, { weight: 0 })];
    expect(shares(walk([server(destinations)]))).toEqual([
      ['balanced', '10.1.0.6', 8080, 0.75],
      ['balanced', '10.1.0.7', 8080, 0.25],
    ]);
    expect(shares(walk([server(destinations, { scheduler: 'rr' })]))).toEqual([
      ['balanced', '10.1.0.6', 8080, 0.5],
      ['balanced', '10.1.0.7', 8080, 0.5],
    ]);
  });

  test('of a mark comes before one of the address; where it remembers clients, ports stay', () => {
    const marked = server([destination(9, { port: 0 })], {
      key: { kind: 'mark', family: 'IPv4', mark: 7 },
      persistence: { timeoutSeconds: 600, prefixLength: 32 },
    });
    const both = [server([destination(6)]), marked];
    expect(shares(walk(both, { mark: 7 }))).toEqual([['balanced', '10.1.0.9', 80, 1]]);
    expect(shares(walk(both, { mark: 8 }))).toEqual([['balanced', '10.1.0.6', 8080, 1]]);
  });

  test('takes no packet twice, and none that is for no server', () => {
    expect(shares(walk([server([destination(6)])], { balanced: true }))).toEqual([['accept', '10.96.0.1', 80, 1]]);
    expect(shares(walk([]))).toEqual([['accept', '10.96.0.1', 80, 1]]);
  });

  test.each<[string, readonly ListedDestination[], string]>([
    ['no destination', [], 'the virtual server has no destination'],
    ['none but drained ones', [destination(6, { weight: 0 })], 'no destination that takes new connections'],
    [
      'none but full ones',
      [destination(6, { upperThreshold: 2, counters: { active: 1, inactive: 1, persistent: 0, ...unknownTraffic } })],
      'no destination that takes new connections',
    ],
  ])('with %s refuses, and says why', (_, destinations, why) => {
    const [end] = walk([server(destinations)]);
    expect(end?.verdict).toBe('reject');
    expect(JSON.stringify(end && stepsOf(end.world))).toContain(why);
  });

  test('sends on as it came where it does not translate', () => {
    const [end] = walk([server([destination(6, { forwarding: { method: 'direct' } })])]);
    expect([end?.verdict, end?.world.via, end?.world.packet.destination]).toEqual(['balanced', '10.1.0.6', '10.96.0.1']);
  });

  test('says where it chooses alike for one client', () => {
    const two = [destination(6), destination(7)];
    const words = (change: Partial<ListedServer>): readonly string[] =>
      walk([server(two, change)])
        .slice(0, 1)
        .flatMap(({ world }) =>
          stepsOf(world).flatMap(({ effects }) => effects.flatMap((one) => ('words' in one ? [one.words] : []))),
        );
    expect(words({ scheduler: 'mh' })).toEqual(['mh chooses by a hash, for one client always alike']);
    expect(words({ persistence: { timeoutSeconds: 600, prefixLength: 32 } })).toEqual(['the client is remembered for 600 s']);
    expect(words({})).toEqual([]);
  });
});
