import type { Family, NodeChoices, Problem } from '../model/mod.ts';
import { FakeClock } from './fake-clock.ts';
import { FakePlane } from './fake-plane.ts';
import { FakeSource } from './fake-source.ts';
import { Proxy } from './proxy.ts';
import type { Notice } from './notice.ts';
import { choices, endpoint, node, service, slice } from './records.fixture.ts';

/** A proxy on fakes; nothing is listed yet. */
export function setUp(over: { families?: Family[]; choices?: Partial<NodeChoices>; nodeMayCome?: boolean } = {}) {
  const clock = new FakeClock();
  const source = new FakeSource();
  const planes = (over.families ?? ['IPv4']).map((family) => new FakePlane(family));
  const notices: Notice[] = [];
  const problems: Problem[] = [];
  const fatal: Problem[] = [];
  const proxy = new Proxy({
    planes,
    source,
    nodeMayCome: over.nodeMayCome ?? true,
    choices: { ...choices, ...over.choices },
    nodeName: 'node-1',
    syncPeriod: 30_000,
    minSyncPeriod: 1000,
    clock,
    pause: () => null,
    localAddresses: () => [],
    report: (notice) => notices.push(notice),
    problem: (problem) => problems.push(problem),
    fatal: (problem) => fatal.push(problem),
  });
  proxy.start();
  const plane = planes[0] as FakePlane;
  const states = (): string[] => proxy.rows().map((row) => `${row.service} ${row.state}`);
  return { clock, source, planes, plane, notices, problems, fatal, proxy, states };
}

export const named = (name: string) => service({ name });
export const slices = (name: string, ...addresses: string[]) => [
  slice(
    addresses.map((one) => endpoint(one)),
    { service: `shop/${name}` },
  ),
];

/** A proxy that has two Services in the kernel. */
export async function started(over: Parameters<typeof setUp>[0] = {}) {
  const lab = setUp(over);
  lab.source.setNode(node());
  lab.source.put('shop/a', named('a'), slices('a', '10.244.1.1'));
  lab.source.put('shop/b', named('b'), slices('b', '10.244.1.2'));
  lab.source.synced();
  await lab.clock.turn(2000);
  return lab;
}
