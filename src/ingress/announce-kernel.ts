import { fail, succeed } from '../model/mod.ts';
import type { Address, Family, Outcome, Prefix, Problem } from '../model/mod.ts';
import type { FrameSender, NeighbourPort, RoutePort } from '../netlink/mod.ts';
import { buildGreetings } from './announce-frame.ts';
import { listNetworks, planAnnounce } from './announce-plan.ts';
import type { AnnounceFacts, AnnouncePlace, AnnouncePlan, Parameter } from './announce-plan.ts';

/** Kernel parameters by their path below /proc/sys. */
export interface ParameterPort {
  /** Null where the kernel does not have it. */
  read(path: string): Promise<string | null>;
  /** Fails with `WP_INGRESS_PARAMETER`. */
  write(path: string, value: string): Promise<Outcome<void>>;
}

export interface AnnounceKernelOptions {
  readonly routes: RoutePort;
  readonly neighbours: NeighbourPort;
  readonly frames: FrameSender;
  readonly parameters: ParameterPort;
  /** Names of interfaces for addresses that are in the network of none. */
  readonly devices: readonly string[];
}

/** What this node is able to announce, and what an earlier run left of it. */
export interface AnnounceSurvey {
  readonly networks: readonly Prefix[];
  /** The kernel answers for addresses of ours already. */
  readonly adopts: boolean;
}

export interface AnnounceReport {
  readonly networks: readonly Prefix[];
  /** Where addresses are answered for now. */
  readonly places: readonly AnnouncePlace[];
  readonly refused: ReadonlyMap<Address, Problem>;
  /** What of the rest did not go through. */
  readonly problems: readonly Problem[];
}

/** The kernel's answers for addresses of one family. */
export interface AnnounceKernel {
  readonly family: Family;
  survey(): Promise<Outcome<AnnounceSurvey>>;
  /** Answer for these, go on as it is for `kept`, and be silent for whatever else is ours. Reads the kernel first. */
  apply(owned: readonly Address[], kept: readonly Address[]): Promise<Outcome<AnnounceReport>>;
  /** Tells everybody on the network that the address is here. */
  greet(place: AnnouncePlace): Outcome<void>;
  close(): void;
}

const mainTable = 254;

/** Wish, state and difference each time: there are few addresses, and what else changes the kernel is mended on the way. */
export function createAnnounceKernel(options: AnnounceKernelOptions): AnnounceKernel {
  const { routes, neighbours, frames, parameters, devices } = options;
  const { family } = routes;
  return {
    family,
    async survey() {
      const facts = await readFacts(options);
      if (!facts.ok) return facts;
      const adopts = planAnnounce(facts.value, [], [], devices).removeProxies.length > 0;
      return succeed({ networks: listNetworks(facts.value, devices), adopts });
    },
    async apply(owned, kept) {
      const facts = await readFacts(options);
      if (!facts.ok) return facts;
      const plan = planAnnounce(facts.value, owned, kept, devices);
      const problems = await carryOut(plan, { routes, neighbours, parameters });
      return succeed({ networks: listNetworks(facts.value, devices), places: plan.places, refused: plan.refused, problems });
    },
    greet({ address, hardware, index, greetFrom }) {
      for (const frame of buildGreetings(address, hardware, greetFrom)) {
        const sent = frames.send(index, frame);
        if (!sent.ok) return sent;
      }
      return succeed(undefined);
    },
    close() {
      routes.close();
      neighbours.close();
    },
  };
}

async function readFacts({ routes, neighbours }: AnnounceKernelOptions): Promise<Outcome<AnnounceFacts>> {
  const interfaces = await neighbours.listInterfaces();
  if (!interfaces.ok) return interfaces;
  const addresses = await routes.listAddresses();
  if (!addresses.ok) return addresses;
  const proxies = await neighbours.listProxies();
  if (!proxies.ok) return proxies;
  // IPv6 answers without a route.
  const listed = routes.family === 'IPv4' ? await routes.listRoutes(mainTable) : succeed([]);
  if (!listed.ok) return listed;
  return succeed({
    family: routes.family,
    interfaces: interfaces.value,
    addresses: addresses.value,
    proxies: proxies.value,
    routes: listed.value,
  });
}

/** What makes an answer possible comes before the entry, and goes after it. Every step is tried. */
async function carryOut(
  plan: AnnouncePlan,
  { routes, neighbours, parameters }: Pick<AnnounceKernelOptions, 'routes' | 'neighbours' | 'parameters'>,
): Promise<readonly Problem[]> {
  const before = plan.parameters.filter(({ kind }) => kind !== 'reset');
  const after = plan.parameters.filter(({ kind }) => kind === 'reset');
  const said: Outcome<void>[] = [];
  if (plan.addRoutes.length > 0) said.push(await routes.changeRoutes(plan.addRoutes, []));
  for (const parameter of before) said.push(await settle(parameter, parameters));
  said.push(await neighbours.changeProxies(plan.addProxies, plan.removeProxies));
  if (plan.removeRoutes.length > 0) said.push(await routes.changeRoutes([], plan.removeRoutes));
  for (const parameter of after) said.push(await settle(parameter, parameters));
  return said.flatMap((outcome) => (outcome.ok ? [] : [outcome.problem]));
}

/** Writes only what is not as it should be: /proc/sys may be read-only where somebody else has seen to it. */
async function settle(parameter: Parameter, port: ParameterPort): Promise<Outcome<void>> {
  const { path } = parameter;
  const found = await port.read(path);
  const wanted = parameter.kind === 'reset' ? await port.read(parameter.from) : String(parameter.value);
  // An interface that is gone took its parameters along.
  if (found === wanted || wanted === null || (found === null && parameter.kind === 'reset')) return succeed(undefined);
  if (parameter.kind !== 'require') return await port.write(path, wanted);
  const message = `the kernel answers for no address of another host while ${path.replaceAll('/', '.')} is not ${wanted}; it is ${String(found)}`;
  return fail('WP_INGRESS_ANNOUNCE_FORWARDING', message);
}
