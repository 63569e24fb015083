import { expect } from 'vitest';
import { families } from '../../src/model/mod.ts';
import type { Lab } from '../lab/mod.ts';
import type { ApiObject } from './flow.ts';
import { at, ready, service, slices } from './objects.ts';

/** Below the ports that the kernel gives out: nobody else has them. */
const clientPorts = { cluster: 23_457, node: 23_456 } as const;

/**
 * A client that was refused, because there was no back end, tries again from the same port when there is one. A flow that
 * conntrack remembers as one without translation, which those of the node to itself may be, would be refused for two
 * minutes. `put` replaces the objects of a Service and waits for the kernel; p1 has to listen.
 */
export async function expectServedAfterRefusal(
  lab: Lab,
  put: (objects: readonly ApiObject[]) => Promise<void>,
  number: number,
): Promise<void> {
  const one = service('refuses', number, { type: 'NodePort' });
  const destinations = [
    { at: one.clusterIp, port: 80, sourcePort: clientPorts.cluster },
    { at: at.node, port: one.nodePort, sourcePort: clientPorts.node },
  ];
  const tries = [lab.outside, lab.place('c1'), lab.node1].flatMap((place) =>
    families.flatMap((family) =>
      destinations.map(({ at: { addresses }, port, sourcePort }) => {
        const destination = addresses[family] ?? '';
        // The kernel sends few ICMP errors a second: a client may have to ask again.
        return { place, to: { family, protocol: 'TCP' as const, destination, port, sourcePort, timeoutMs: 4000 } };
      }),
    ),
  );
  const ask = (): Promise<readonly string[]> =>
    Promise.all(
      tries.map(async ({ place, to }) => {
        const [attempt] = await place.connect(to);
        return `${place.name} to ${to.destination}: ${attempt?.verdict ?? 'nothing'}`;
      }),
    );
  const all = (verdict: string): readonly string[] =>
    tries.map(({ place, to }) => `${place.name} to ${to.destination}: ${verdict}`);
  await put([one.object]);
  expect(await ask()).toEqual(all('refused'));
  await put([one.object, ...slices('refuses', [ready('p1')])]);
  expect(await ask()).toEqual(all('answered'));
}
