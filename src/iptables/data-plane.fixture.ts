import { succeed } from '../model/mod.ts';
import type { Change, DataPlane, Frontend, ServiceKey } from '../model/mod.ts';
import { createIptablesDataPlane } from './data-plane.ts';
import { createFakeIptables } from './fake.ts';
import type { FakeIptables } from './fake.ts';
import { frontendsOf, settings } from './frontends.fixture.ts';
import type { Shape } from './frontends.fixture.ts';
import type { IptablesPort } from './port.ts';
import type { SetPort } from './set-port.ts';

/** What other programs have in the kernel. */
export const foreign = `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:CNI-HOSTPORT - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT
-A POSTROUTING -s 172.16.0.0/12 -j MASQUERADE
-A CNI-HOSTPORT -p tcp -m tcp --dport 8443 -j DNAT --to-destination 10.244.9.9:443
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m strange --option value -j ACCEPT
COMMIT
`;

/** Codes of what the data planes of a test do without. */
export const degraded: string[] = [];

export function planeOn(port: IptablesPort, sets: SetPort | null = null): DataPlane {
  return createIptablesDataPlane({
    port,
    sets,
    family: 'IPv4',
    dropInvalid: true,
    strays: 'drop',
    allowLoopbackRouting: () => succeed(undefined),
    degraded: (problem) => degraded.push(problem.code),
    pause: () => null,
    now: () => 0,
  });
}

export function kernel(text = foreign): FakeIptables {
  const port = createFakeIptables('IPv4');
  const loaded = port.load(text);
  if (!loaded.ok) throw new Error(loaded.problem.message);
  return port;
}

export function wishOf(list: readonly Shape[]): Map<ServiceKey, readonly Frontend[]> {
  return new Map(list.map((shape) => [`ns/${shape.name}`, frontendsOf(shape)]));
}

export function complete(list: readonly Shape[]): Change {
  return { settings, services: wishOf(list), complete: true };
}

export const shape: Shape = {
  name: 'web',
  number: 7,
  backends: [1, 2],
  localBackends: [],
  nodePort: 30_080,
  externalLocal: false,
  internalLocal: false,
  affinity: null,
  ranges: false,
};
