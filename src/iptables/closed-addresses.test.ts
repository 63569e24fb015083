import { expect, test } from 'vitest';
import { succeed } from '../model/mod.ts';
import { createIptablesDataPlane } from './data-plane.ts';
import type { IptablesOptions } from './data-plane.ts';
import { createFakeIptables } from './fake.ts';
import { frontendsOf, settings } from './frontends.fixture.ts';
import type { Shape } from './frontends.fixture.ts';

const many = 300;
const services = new Map(
  Array.from({ length: many }, (_, number) => {
    const shape: Shape = {
      name: `s${number}`,
      number,
      backends: [1],
      localBackends: [],
      nodePort: 30_000 + number,
      externalLocal: false,
      internalLocal: false,
      affinity: null,
      ranges: false,
    };
    return [`ns/${shape.name}`, frontendsOf(shape)] as const;
  }),
);

test('[INGRESS-6] a rule for each closed address, in a tree; without ingress there is none and no chain for them', async () => {
  const port = createFakeIptables('IPv4');
  const rulesFor = async (strays: IptablesOptions['strays']): Promise<readonly string[]> => {
    const options = { degraded: () => {}, pause: () => null, now: () => 0, allowLoopbackRouting: () => succeed(undefined) };
    const plane = createIptablesDataPlane({
      ...options,
      port,
      looks: port,
      sets: null,
      family: 'IPv4',
      dropInvalid: true,
      strays,
    });
    expect((await plane.apply({ settings, services, complete: true })).problem).toBeNull();
    return port
      .dump()
      .split('\n')
      .filter((line) => line.startsWith('-A KUBE-FW-CL') || line.includes('-j KUBE-FW-CL'));
  };
  const dropping = await rulesFor('drop');
  expect(dropping).toContain('-A KUBE-FORWARD -j KUBE-FW-CLOSED');
  const closed = dropping.filter((line) => line.endsWith('-j DROP'));
  const addresses = [...services.values()].flat().flatMap(({ exclusive, address }) => (exclusive === true ? [address] : []));
  expect(new Set(closed.map((line) => / -d (\S+)\/32 /.exec(line)?.[1]))).toEqual(new Set(addresses));
  // Whatever the port and the protocol are.
  expect(closed.filter((line) => line.includes('dport') || line.includes('-p '))).toEqual([]);
  for (const rules of Map.groupBy(dropping, (line) => line.split(' ')[1]).values()) expect(rules.length).toBeLessThanOrEqual(64);
  const rejecting = await rulesFor('reject');
  expect(rejecting.filter((line) => line.endsWith('-j REJECT --reject-with icmp-port-unreachable'))).toHaveLength(closed.length);
  expect(await rulesFor(null)).toEqual([]);
  expect(port.dump()).not.toContain('KUBE-FW-CL');
});
