import { describe, expect, test } from 'vitest';
import { addStep, fail, parseAddress, parsePrefix, succeed } from '../model/mod.ts';
import type { Address, PacketWorld, Prefix, SentPacket, StageEnd, TraceHook, TraceStage } from '../model/mod.ts';
import type { LocalAddress, Route } from '../netlink/mod.ts';
import { createRouting } from './routing.ts';
import { walkPacket } from './walk-packet.ts';
import type { NodeSysctls, TracedNode, TracedWay } from './walk-packet.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(text);
  return parsed;
}

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new TypeError(text);
  return parsed;
}

function route(destination: string, change: Partial<Route> = {}): Route {
  const base = { table: 254, type: 'unicast', device: 'eth0', source: null, gateway: null, protocol: 2 } as const;
  return { ...base, destination: prefix(destination), ...change };
}

const rule = { mark: null, protocol: 2, further: false } as const;

const routing = createRouting({
  family: 'IPv4',
  routes: [
    route('192.0.2.11/32', { table: 255, type: 'local' }),
    route('127.0.0.0/8', { table: 255, type: 'local', device: 'lo' }),
    route('10.1.0.5/32', { device: 'veth5' }),
    route('10.1.0.6/32', { device: 'veth6' }),
    route('10.96.0.0/16', { table: 255, type: 'local', device: 'lo', source: address('192.0.2.11') }),
    route('198.51.100.1/32', { table: 100, type: 'local', device: 'lo' }),
    route('203.0.113.0/24', { type: 'unreachable', device: null }),
    route('192.0.2.0/24', { source: address('192.0.2.11') }),
    route('198.51.100.0/24', { gateway: address('192.0.2.1') }),
  ],
  rules: [
    { ...rule, priority: 0, table: 255 },
    { ...rule, priority: 90, table: 100, mark: { value: 0x1000, mask: 0x1000 } },
    { ...rule, priority: 32_766, table: 254 },
  ],
  addresses: [
    { address: address('127.0.0.1'), device: 'lo', length: 8, scope: 254 },
    { address: address('192.0.2.11'), device: 'eth0', length: 24, scope: 0 },
  ],
});

const open: NodeSysctls = { forwarding: true, loopbackRouting: () => false, strictReversePath: () => false };

type Change = (world: PacketWorld) => PacketWorld;

/** A stage that tells its name by a step and changes what it is told to. */
function stage(hook: TraceHook, priority: number, change: Change = (world) => world, more: Partial<TraceStage> = {}): TraceStage {
  const place = `${hook} ${priority}`;
  const pass = (world: PacketWorld): ReturnType<TraceStage['walk']> =>
    succeed([{ world: change(addStep(world, { hook, place, text: '', effects: [] })), verdict: 'accept' }]);
  return { hook, priority, nat: false, reroutes: false, walk: pass, ...more };
}

function toBackend(destination: string): Change {
  return (world) => ({
    ...world,
    packet: { ...world.packet, destination: address(destination), destinationPort: 8080 },
    connection: { ...world.connection, translated: { ...world.connection.translated, destination: true } },
  });
}

function ending(hook: TraceHook, priority: number, end: (world: PacketWorld) => readonly StageEnd[]): TraceStage {
  return { hook, priority, nat: false, reroutes: false, walk: (world) => succeed(end(world)) };
}

function sent(change: Partial<SentPacket> & { readonly source?: string; readonly destination?: string } = {}): SentPacket {
  const { source = '10.1.0.5', destination = '198.51.100.7', ...rest } = change;
  return {
    packet: {
      family: 'IPv4',
      protocol: 'TCP',
      source: address(source),
      sourcePort: 40_000,
      destination: address(destination),
      destinationPort: 80,
    },
    inDevice: 'veth5',
    mark: 0,
    link: null,
    memory: new Map(),
    ...rest,
  };
}

function walk(stages: readonly TraceStage[], packet: SentPacket, sysctls: NodeSysctls = open): readonly TracedWay[] {
  const node: TracedNode = { routing, stages, sysctls };
  const walked = walkPacket(node, packet);
  if (!walked.ok) throw new Error(walked.problem.message);
  return walked.value;
}

/** One way's places: stages and, between them, `routing`. */
function places([way]: readonly TracedWay[]): readonly string[] {
  return way?.steps.map(({ place }) => place.replace(/ rule.*/, '')) ?? [];
}

const everywhere = (['prerouting', 'input', 'forward', 'output', 'postrouting'] as const).map((hook) => stage(hook, 0));

describe('the order of hooks', () => {
  test('what arrives for elsewhere is forwarded, what arrives for the node is taken in', () => {
    expect(places(walk(everywhere, sent()))).toEqual(['prerouting 0', 'routing', 'forward 0', 'postrouting 0']);
    expect(places(walk(everywhere, sent({ destination: '192.0.2.11' })))).toEqual(['prerouting 0', 'routing', 'input 0']);
  });

  test('what a process sends goes out, and to the node itself comes back through lo', () => {
    const from = { source: '192.0.2.11', inDevice: null };
    expect(places(walk(everywhere, sent(from)))).toEqual(['routing', 'output 0', 'postrouting 0']);
    const ways = walk(everywhere, sent({ ...from, destination: '192.0.2.11' }));
    expect(places(ways)).toEqual(['routing', 'output 0', 'postrouting 0', 'prerouting 0', 'input 0']);
    expect(ways.map(({ end }) => end)).toEqual(['local']);
  });

  test('stages follow their priorities, but chains of type nat are asked at the place of translation', () => {
    const late = stage('prerouting', -400, undefined, { nat: true });
    const ways = walk([stage('prerouting', -50), late, stage('prerouting', -150), stage('prerouting', -300)], sent());
    expect(places(ways).slice(0, 4)).toEqual(['prerouting -300', 'prerouting -150', 'prerouting -400', 'prerouting -50']);
  });

  test('tracking looks at -200, and not at what a rule has taken from it', () => {
    const states: string[] = [];
    const look: Change = (world) => {
      states.push(world.connection.state);
      return world;
    };
    walk([stage('prerouting', -300, look), stage('prerouting', -150, look)], sent());
    const untrack: Change = (world) => ({ ...world, connection: { ...world.connection, state: 'untracked' } });
    const nat = stage('prerouting', -100, look, { nat: true });
    walk([stage('prerouting', -300, untrack), stage('prerouting', -150, look), nat], sent());
    expect(states).toEqual(['none', 'new', 'untracked']);
  });
});

describe('translation', () => {
  const dnat = stage('prerouting', -100, toBackend('10.1.0.6'), { nat: true });

  test('comes before routing, and the first chain that translates is the last that is asked', () => {
    const second = stage('prerouting', -90, toBackend('192.0.2.11'), { nat: true });
    const ways = walk([dnat, second, ...everywhere], sent());
    expect(ways.map(({ packet, outDevice }) => [packet.destination, outDevice])).toEqual([['10.1.0.6', 'veth6']]);
    expect(places(ways)).toEqual(['prerouting -100', 'prerouting 0', 'routing', 'forward 0', 'postrouting 0']);
  });

  test('of what a process sends lets the way out be chosen once more', () => {
    const ways = walk(
      [stage('output', -100, toBackend('10.1.0.6'), { nat: true })],
      sent({ source: '192.0.2.11', inDevice: null }),
    );
    expect(ways.map(({ outDevice }) => outDevice)).toEqual(['veth6']);
    expect(places(ways)).toEqual(['routing', 'output -100', 'routing']);
  });

  test('is over where a packet comes back through lo', () => {
    const from = sent({ source: '192.0.2.11', destination: '198.51.100.7', inDevice: null });
    const ways = walk([stage('output', -100, toBackend('192.0.2.11'), { nat: true }), dnat], from);
    expect(ways.map(({ end, packet }) => [end, packet.destination])).toEqual([['local', '192.0.2.11']]);
  });
});

describe('routing', () => {
  test('follows marks that rules set before it', () => {
    const mark = stage('prerouting', -150, (world) => ({ ...world, mark: 0x1000 }));
    expect(walk([mark], sent({ destination: '198.51.100.1' })).map(({ end }) => end)).toEqual(['local']);
    expect(walk([], sent({ destination: '198.51.100.1' })).map(({ end }) => end)).toEqual(['sent']);
  });

  test('of what a process sends follows a new mark only where the chain asks for it', () => {
    const mark: Change = (world) => ({ ...world, mark: 0x1000 });
    const from = sent({ source: '192.0.2.11', destination: '198.51.100.1', inDevice: null });
    expect(walk([stage('output', -150, mark)], from).map(({ end }) => end)).toEqual(['sent']);
    expect(walk([stage('output', -150, mark, { reroutes: true })], from).map(({ end }) => end)).toEqual(['local']);
  });

  test.each<[string, SentPacket, NodeSysctls, string, RegExp]>([
    ['without a route', sent({ destination: '100.64.0.1' }), open, 'unroutable', /no route to 100\.64\.0\.1/],
    ['with one that leads nowhere', sent({ destination: '203.0.113.9' }), open, 'unroutable', /unreachable 203\.0\.113\.0\/24/],
    ['on a node that does not forward', sent(), { ...open, forwarding: false }, 'dropped', /does not forward/],
    ['to loopback from a wire', sent({ destination: '127.0.0.1' }), open, 'dropped', /route_localnet of veth5 is 0/],
    [
      'from where its source is not',
      sent({ inDevice: 'eth0' }),
      { ...open, strictReversePath: (device) => device === 'eth0' },
      'dropped',
      /do not leave through eth0/,
    ],
  ])('%s there is no way: says why', (_, packet, sysctls, end, why) => {
    const ways = walk(everywhere, packet, sysctls);
    expect(ways.map((way) => way.end)).toEqual([end]);
    expect(ways[0]?.steps.at(-1)?.text).toMatch(why);
  });

  test('loopback may be reached where the device allows it', () => {
    const sysctls: NodeSysctls = { ...open, loopbackRouting: (device) => device === 'veth5' };
    expect(walk([], sent({ destination: '127.0.0.1' }), sysctls).map(({ end }) => end)).toEqual(['local']);
  });

  test('gives processes the source of the route, and masquerades with an address of the device', () => {
    expect(routing.sourceFor(address('192.0.2.77'))).toBe('192.0.2.11');
    expect(routing.sourceFor(address('127.0.0.1'))).toBe('127.0.0.1');
    expect(routing.sourceFor(address('10.96.0.1'))).toBe('192.0.2.11');
    // A device without an address of its own takes another's.
    expect(routing.masqueradeAddress(address('10.1.0.6'), 'veth6')).toBe('192.0.2.11');
    expect(routing.sourceFor(address('100.64.0.1'))).toBe(null);
  });

  test('IPv6 sends from the address most like the destination, and from a deprecated one only where there is no other', () => {
    const six = (text: string, more: { readonly deprecated?: true } = {}): LocalAddress => ({
      address: address(text),
      device: 'eth0',
      length: 64,
      scope: 0,
      ...more,
    });
    const sourceOf = (...addresses: LocalAddress[]): Address | null =>
      createRouting({ family: 'IPv6', routes: [], rules: [], addresses }).masqueradeAddress(address('2001:db8:2::5'), 'eth0');
    const near = six('2001:db8:2::11');
    const far = six('2001:db8:1::11');
    expect(sourceOf(far, near)).toBe('2001:db8:2::11');
    expect(sourceOf(six('2001:db8:2::11', { deprecated: true }), far)).toBe('2001:db8:1::11');
    expect(sourceOf(six('2001:db8:2::11', { deprecated: true }))).toBe('2001:db8:2::11');
    expect(sourceOf(far, six('2001:db8:2::5'))).toBe('2001:db8:2::5');
    expect(sourceOf()).toBe(null);
  });

  test('a rule that asks for more than is known is said, and not followed', () => {
    const unsure = createRouting({
      family: 'IPv4',
      routes: [route('198.51.100.0/24', { table: 100 }), route('0.0.0.0/0')],
      rules: [
        { ...rule, priority: 50, table: 100, further: true },
        { ...rule, priority: 32_766, table: 254 },
      ],
      addresses: [],
    });
    expect(unsure.lookup(address('198.51.100.7'), 0).how.effects.map(({ kind }) => kind)).toEqual(['unknown', 'route']);
    expect(unsure.lookup(address('192.0.2.1'), 0).how.effects.map(({ kind }) => kind)).toEqual(['route']);
  });
});

describe('a balancer', () => {
  const balanceTo = (hook: TraceHook, priority: number, destination: string): TraceStage =>
    ending(hook, priority, (world) => [
      world.balanced ? { world, verdict: 'accept' } : { world: toBackend(destination)(world), verdict: 'balanced' },
    ]);

  test('sends what it took at INPUT through OUTPUT and out', () => {
    const ways = walk([balanceTo('input', 99, '10.1.0.6'), ...everywhere], sent({ destination: '192.0.2.11' }));
    expect(places(ways)).toEqual(['prerouting 0', 'routing', 'input 0', 'routing', 'output 0', 'postrouting 0']);
    expect(ways.map(({ end, outDevice }) => [end, outDevice])).toEqual([['sent', 'veth6']]);
  });

  test('leaves what is for a socket of the node where it is', () => {
    const ways = walk([balanceTo('input', -1, '192.0.2.11'), ...everywhere], sent({ destination: '127.0.0.1' }), {
      ...open,
      loopbackRouting: () => true,
    });
    expect(places(ways)).toEqual(['prerouting 0', 'routing', 'input 0']);
    expect(ways.map(({ end, packet }) => [end, packet.destinationPort])).toEqual([['local', 8080]]);
  });

  test('does not follow marks, and takes nothing twice', () => {
    const mark: Change = (world) => ({ ...world, mark: 0x1000 });
    const stages = [stage('output', -150, mark, { reroutes: true }), balanceTo('output', -98, '198.51.100.1')];
    const ways = walk(stages, sent({ source: '192.0.2.11', inDevice: null }));
    expect(ways.map(({ end, packet }) => [end, packet.destination])).toEqual([['sent', '198.51.100.1']]);
  });

  test('may send a packet on as it came', () => {
    const onward = ending('input', 99, (world) => [{ world: { ...world, via: address('10.1.0.6') }, verdict: 'balanced' }]);
    const ways = walk([onward], sent({ destination: '192.0.2.11' }));
    expect(ways.map(({ packet, via, outDevice }) => [packet.destination, via, outDevice])).toEqual([
      ['192.0.2.11', '10.1.0.6', 'veth6'],
    ]);
  });
});

test('refusals and drops end a way, each with its chance; a stage that cannot tell ends all', () => {
  const split = ending('forward', 0, (world) => [
    { world: { ...world, probability: 0.25 }, verdict: 'reject' },
    { world: { ...world, probability: 0.75 }, verdict: 'drop' },
  ]);
  const ways = walk([split], sent());
  expect(ways.map(({ end, probability }) => [end, probability])).toEqual([
    ['refused', 0.25],
    ['dropped', 0.75],
  ]);
  const lost: TraceStage = { ...split, walk: () => fail('WP_IPTABLES_UNTRACEABLE', 'too many ways') };
  expect(walkPacket({ routing, stages: [lost], sysctls: open }, sent()).ok).toBe(false);
});
