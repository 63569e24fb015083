import { families } from '../../src/model/mod.ts';
import type { Lab } from '../lab/mod.ts';
import type { ApiObject } from './flow.ts';
import { at, ready, service, slices } from './objects.ts';

/** Below the ports that the kernel gives out: nobody else has them. */
const clientPorts = { cluster: 23_457, node: 23_456 } as const;

/** Tries that came to something else, in words. */
export interface AfterRefusal {
  readonly notRefused: readonly string[];
  readonly notServed: readonly string[];
}

export const servedAfterRefusal: AfterRefusal = { notRefused: [], notServed: [] };

/**
 * A client that was refused, because there was no back end, tries again from the same port when there is one. A flow that
 * conntrack remembers as one without translation, which those of the node to itself may be, would be refused for two
 * minutes. `put` replaces the objects of a Service and waits for the kernel; p1 has to listen.
 */
export async function tryAfterRefusal(
  lab: Lab,
  put: (objects: readonly ApiObject[]) => Promise<void>,
  number: number,
): Promise<AfterRefusal> {
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
  const unlike = async (verdict: string): Promise<readonly string[]> => {
    const ends = await Promise.all(
      tries.map(async ({ place, to }) => {
        const [attempt] = await place.connect(to);
        return attempt?.verdict === verdict ? [] : [`${place.name} to ${to.destination}: ${attempt?.verdict ?? 'nothing'}`];
      }),
    );
    return ends.flat();
  };
  await put([one.object]);
  const notRefused = await unlike('refused');
  await put([one.object, ...slices('refuses', [ready('p1')])]);
  return { notRefused, notServed: await unlike('answered') };
}
