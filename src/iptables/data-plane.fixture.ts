import * as fc from 'fast-check';
import { succeed } from '../model/mod.ts';
import type { Change, DataPlane, Frontend, ServiceKey } from '../model/mod.ts';
import { createIptablesDataPlane } from './data-plane.ts';
import { createFakeIptables } from './fake.ts';
import type { FakeIptables } from './fake.ts';
import { frontendsOf, settings, shapes } from './frontends.fixture.ts';
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

export function planeOn(port: IptablesPort, sets: SetPort | null = null, looks: Pick<IptablesPort, 'save'> = port): DataPlane {
  return createIptablesDataPlane({
    port,
    looks,
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

/** The rules that stand in a kernel after one complete sync from nothing of ours. */
export async function freshBuild(list: readonly Shape[]): Promise<string> {
  const port = kernel();
  await planeOn(port).apply(complete(list));
  return port.dump();
}

export const states = fc.uniqueArray(shapes, { selector: (one) => one.name, maxLength: 100, size: 'max' });

/** Deletes, flushes or adds rules of ours in a dump. */
export function damage(text: string, victims: readonly number[]): string {
  let lines = text.split('\n');
  for (const victim of victims) {
    const ours = lines.flatMap((line, index) =>
      /^-A (KUBE-|\S+ .*-j KUBE-)/.test(line) && !line.includes('KUBE-FIREWALL') ? [index] : [],
    );
    const at = ours[victim % Math.max(1, ours.length)];
    if (at === undefined) continue;
    const chain = lines[at]?.split(' ')[1] ?? '';
    if (victim % 3 === 0) lines.splice(at, 1);
    else if (victim % 3 === 1 && chain.startsWith('KUBE-')) lines = lines.filter((line) => !line.startsWith(`-A ${chain} `));
    else if (chain.startsWith('KUBE-')) lines.splice(at, 0, `-A ${chain} -d 192.0.2.1/32 -j RETURN`);
  }
  return lines.join('\n');
}
