import { succeed } from '../model/mod.ts';
import type { Difference, Outcome, ServiceKey } from '../model/mod.ts';
import type { Kernel } from './data-plane-kernel.ts';
import { eachSlowly } from './data-plane-pace.ts';
import type { PassFacts } from './data-plane-pass.ts';
import { isNeededRecord, planSteps } from './data-plane-plan.ts';
import type { Steps } from './data-plane-plan.ts';
import { findSysctls, findTimeouts } from './data-plane-sysctls.ts';
import { describeEntry } from './describe-entry.ts';
import { describeRoute } from './describe-route.ts';
import type { IpvsOperation, IpvsTimeouts } from './port.ts';
import { renderOperation } from './render.ts';
import type { KernelRoute } from './routes.ts';
import { noService } from './settings.ts';
import { destinationKeyText, serverKeyText } from './virtual-server.ts';
import type { Destination } from './virtual-server.ts';
import type { Touched } from './wish.ts';

/** What decides which kernel parameters are needed. */
interface Needs {
  readonly loopback: boolean;
  readonly roaming: boolean;
}

/** Tells what a look at everything touched would put right, with the steps that it would take. `facts.kernel` was just read. */
export async function compareNode(facts: PassFacts, touched: Touched, needs: Needs): Promise<Outcome<readonly Difference[]>> {
  const { options, kernel, settings } = facts;
  const sysctls = await findSysctls({ options, ...needs });
  if (!sysctls.ok) return sysctls;
  const timeouts = await findTimeouts(options);
  if (!timeouts.ok) return timeouts;
  const steps = await planSteps(facts, touched);
  return succeed([
    ...sysctls.value.map(({ wish, found }) =>
      tell(noService, 'sysctl', `${wish.name} = ${found}`, `${wish.name} = ${wish.value}`),
    ),
    ...(timeouts.value === null ? [] : [tellTimeouts(timeouts.value.found, timeouts.value.wanted)]),
    ...(await tellServers(facts, steps)),
    ...tellRoutes(steps, kernel),
    ...(kernel.needsSettings(settings) ? [tell(noService, 'side rules', ...aroundEntries)] : []),
    ...(await tellEntries(facts, steps)),
  ]);
}

/** The port tells no more of them. */
const aroundEntries = ['chains, rules or sets that are not as this agent writes them', 'those of this agent'] as const;

function tell(service: ServiceKey, place: string, held: string | null, wanted: string | null): Difference {
  return { service: service === noService ? null : service, place, held, wanted };
}

function tellTimeouts(found: IpvsTimeouts, wanted: IpvsTimeouts): Difference {
  const textOf = ({ tcp, tcpFin, udp }: IpvsTimeouts): string => `--set ${tcp} ${tcpFin} ${udp}`;
  return tell(noService, 'ipvs', textOf(found), textOf(wanted));
}

/** For a Service that cannot have what it wants nothing is done, so nothing is told either. */
async function tellServers({ kernel, options }: PassFacts, { raise, lower, refused }: Steps): Promise<readonly Difference[]> {
  const differences: Difference[] = [];
  await eachSlowly([...raise, ...lower], options.pause, ({ operation, service }) => {
    if (refused.has(service)) return;
    const goes = operation.verb === 'delete-server' || operation.verb === 'delete-destination';
    const wanted = goes ? null : renderOperation(asAddition(operation));
    const held = heldOf(operation, kernel).map((one) => renderOperation(one));
    if (held.length === 0) differences.push(tell(service, 'ipvs', null, wanted));
    // What takes no connections already and is to be seen off differs in nothing but that it is there.
    for (const text of held) differences.push(tell(service, 'ipvs', text, text === wanted ? null : wanted));
  });
  return differences;
}

/** A listing has additions alone. */
function asAddition(operation: IpvsOperation): IpvsOperation {
  if (operation.verb === 'edit-server') return { ...operation, verb: 'add-server' };
  return operation.verb === 'edit-destination' ? { ...operation, verb: 'add-destination' } : operation;
}

/** What the kernel has of what an operation is about, as additions; a server that goes takes its destinations along. */
function heldOf(operation: IpvsOperation, kernel: Kernel): readonly IpvsOperation[] {
  const key = 'server' in operation ? operation.server.key : operation.key;
  const have = kernel.servers.get(serverKeyText(key));
  if (have === undefined) return [];
  const addition = (destination: Destination): IpvsOperation => ({ verb: 'add-destination', key, destination });
  if ('destination' in operation) {
    const known = have.destinations.get(destinationKeyText(operation.destination));
    return known === undefined ? [] : [addition(known.destination)];
  }
  const server: IpvsOperation = { verb: 'add-server', server: have.server };
  if (operation.verb !== 'delete-server') return [server];
  return [server, ...[...have.destinations.values()].map(({ destination }) => addition(destination))];
}

function tellRoutes({ addRoutes, removeRoutes, refused }: Steps, kernel: Kernel): readonly Difference[] {
  const textOf = (key: string): string | null => {
    const have: KernelRoute | undefined = kernel.routes.get(key);
    return have === undefined ? null : describeRoute(have);
  };
  const placeOf = (route: KernelRoute): string => (route.kind === 'rule' ? 'ip rule' : 'ip route');
  return [
    ...[...addRoutes].map(([key, one]) => ({ ...one, held: textOf(key), wanted: describeRoute(one.route) })),
    ...[...removeRoutes].map(([key, one]) => ({ ...one, held: textOf(key), wanted: null })),
  ]
    .filter(({ service }) => !refused.has(service))
    .map(({ service, route, held, wanted }) => tell(service, placeOf(route), held, wanted));
}

async function tellEntries(
  { kernel, options }: PassFacts,
  { admit, attract, tidy, refused }: Steps,
): Promise<readonly Difference[]> {
  const differences: Difference[] = [];
  const take = (key: string, service: ServiceKey, wanted: string | null): void => {
    const have = kernel.entries.get(key);
    differences.push(tell(service, 'side rules', have === undefined ? null : describeEntry(have), wanted));
  };
  for (const { set, remove } of [admit, attract, tidy]) {
    await eachSlowly(set, options.pause, ([key, { entry, service }]) => {
      if (!refused.has(service)) take(key, service, describeEntry(entry));
    });
    await eachSlowly(remove, options.pause, ([key, service]) => {
      // Records of what the kernel still holds stay.
      const needed = isNeededRecord(kernel, kernel.entries.get(key), options);
      if (!needed && !refused.has(service)) take(key, service, null);
    });
  }
  return differences;
}
