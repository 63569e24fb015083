import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { makeConfig } from '../config/mod.ts';
import type { EffectiveConfig } from '../config/mod.ts';
import { formatEndpoint, succeed } from '../model/mod.ts';
import type { Clock, DataPlane, DatagramTarget, Family, Outcome, Problem } from '../model/mod.ts';
import { createConntrackPort } from '../netlink/mod.ts';
import type { ConntrackPort } from '../netlink/mod.ts';
import type { AppliedSync } from '../proxy/mod.ts';
import { countEstablished } from './established.ts';
import { makeDataPlanes } from './make-data-planes.ts';

/** A first sync of the mode that runs now, after which nothing of IPVS mode is needed. */
export type TakenOver = Pick<AppliedSync, 'family' | 'settings' | 'localAddresses'>;

export interface CleanServersOptions {
  readonly config: Pick<EffectiveConfig, 'ipvs' | 'nftablesDriver'>;
  readonly clock: Clock;
  readonly report: (problem: Problem) => void;
  /** The agent ends: what is not removed then is the business of the next one. */
  readonly signal: AbortSignal;
}

/** Removes what IPVS mode of ours made in one family, for a mode that runs in its place: it loses no connection. */
export async function cleanServers(taken: TakenOver, options: CleanServersOptions): Promise<Outcome<readonly string[]>> {
  // Asking for virtual servers would load the module on a machine that has never used it.
  if (!existsSync('/proc/net/ip_vs')) return succeed([]);
  const defaults = makeConfig(new Map(), null);
  if (!defaults.ok) throw new Error('the defaults are not a valid configuration');
  const { config, report } = options;
  const made = await makeDataPlanes({
    mode: 'ipvs',
    // Ranges would make servers ours that no record names.
    config: { ...config, ingress: null, serviceCidrs: defaults.config.serviceCidrs },
    families: [taken.family],
    pause: () => null,
    degraded: () => {},
  });
  if (!made.ok) return made;
  const [plane] = made.value.planes;
  const conntrack = createConntrackPort({ pause: () => null });
  const cleaned =
    plane === undefined
      ? succeed([])
      : await retire(plane, taken, {
          ...options,
          drainMs: config.ipvs.drainMs,
          conntrack,
          report,
          readFlows: () => readFile('/proc/net/ip_vs_conn', 'utf8').catch(() => ''),
        });
  await made.value.close();
  return cleaned;
}

export interface RetireOptions extends Pick<CleanServersOptions, 'clock' | 'report' | 'signal'> {
  /** Milliseconds for which established connections may go on. */
  readonly drainMs: number;
  readonly conntrack: ConntrackPort;
  /** What `/proc/net/ip_vs_conn` says. */
  readonly readFlows: () => Promise<string>;
}

/** Milliseconds between two looks, and without an open connection after which there is none (`src/ipvs/drain.ts`). */
const lookMs = 1000;
const quietMs = 3500;

/**
 * For every page that the kernel gives of its connections it goes through them from the first one, so the time to read
 * them grows with the square of their number: a quarter of a second of a processor for 30,000, and several on a slow one.
 * At most this part of the time goes into that.
 */
const readingShare = 0.1;

/**
 * Takes a data plane out of service that another one has replaced: new connections are left to that one, established ones
 * go on until they end or their time is over, then everything goes. Gives what was removed; nothing where the agent ends
 * before.
 */
export async function retire(
  plane: Pick<DataPlane, 'stepAside' | 'connections' | 'cleanup'>,
  { family, settings, localAddresses }: TakenOver,
  options: RetireOptions,
): Promise<Outcome<readonly string[]>> {
  const aside = await (plane.stepAside?.(settings) ?? succeed([]));
  if (!aside.ok) return aside;
  await removeFlows(family, aside.value, localAddresses, options);
  const { clock, drainMs, signal, readFlows } = options;
  const deadline = clock.now() + drainMs;
  for (let quietSince: number | null = null; ;) {
    const began = clock.now();
    const counted = await countDestinations(plane);
    if (!counted.ok) return counted;
    const { endpoints, active } = counted.value;
    // Where all connections have ended there is none to be looked for.
    const open = active === 0 ? 0 : countEstablished(await readFlows(), family, endpoints);
    const now = clock.now();
    quietSince = open > 0 ? null : (quietSince ?? now);
    const quiet = quietSince !== null && now - quietSince >= quietMs;
    if (endpoints.size === 0 || quiet || now >= deadline) return plane.cleanup();
    const pause = Math.min(Math.max(lookMs, (now - began) / readingShare), deadline - now);
    if (!(await rest(clock, pause, signal))) return succeed([]);
  }
}

interface Counted {
  readonly endpoints: ReadonlySet<string>;
  /** Connections in a state that the kernel takes for an open one. */
  readonly active: number;
}

/** Of servers that are ours. */
async function countDestinations(plane: Pick<DataPlane, 'connections'>): Promise<Outcome<Counted>> {
  const counted = await (plane.connections?.() ?? succeed([]));
  if (!counted.ok) return counted;
  const own = counted.value.filter(({ service }) => service !== null).flatMap(({ destinations }) => destinations);
  return succeed({
    endpoints: new Set(own.map(({ endpoint }) => endpoint)),
    active: own.reduce((sum, one) => sum + one.active, 0),
  });
}

/** A UDP client that goes on with one port would be led to virtual servers for ever: its next datagram begins a new flow. */
async function removeFlows(
  family: Family,
  targets: readonly DatagramTarget[],
  localAddresses: TakenOver['localAddresses'],
  { conntrack, report }: RetireOptions,
): Promise<void> {
  if (targets.length === 0) return;
  const destinations = new Set(
    targets.flatMap(({ address, port }) =>
      (address === null ? localAddresses : [address]).map((one) => formatEndpoint(one, port)),
    ),
  );
  const destinationPorts = new Set(targets.map(({ port }) => port));
  const listed = await conntrack.list({ family, protocol: 'UDP', destinationPorts });
  if (!listed.ok) return report(listed.problem);
  const { problem } = await conntrack.remove(
    listed.value.flows.filter(({ destination, destinationPort }) =>
      destinations.has(formatEndpoint(destination, destinationPort)),
    ),
  );
  if (problem !== null) report(problem);
}

/** False where the agent ends meanwhile. */
function rest(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const abort = (): void => {
      cancel();
      resolve(false);
    };
    const cancel = clock.after(milliseconds, () => {
      signal.removeEventListener('abort', abort);
      resolve(true);
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}
