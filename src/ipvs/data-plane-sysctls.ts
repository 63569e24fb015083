import { fail, sideKey, succeed } from '../model/mod.ts';
import type { Outcome, SideEntry, SideSettings } from '../model/mod.ts';
import type { Kernel } from './data-plane-kernel.ts';
import type { Tally } from './data-plane-pass.ts';
import { planSysctls } from './plan-sysctls.ts';
import type { SysctlWish } from './plan-sysctls.ts';
import type { IpvsTimeouts } from './port.ts';
import { recordEntry } from './records.ts';
import { defaultTimeouts } from './settings.ts';
import type { IpvsOptions } from './settings.ts';

/** What is set besides Services. */
interface Surroundings {
  readonly options: IpvsOptions;
  readonly kernel: Kernel;
  readonly settings: SideSettings;
  readonly tally: Tally;
  /** Node ports are served on 127.0.0.0/8. */
  readonly loopback: boolean;
  /** Connections to some Service may come from another node in the middle. */
  readonly roaming: boolean;
}

interface DifferingSysctl {
  readonly wish: SysctlWish;
  readonly found: string;
}

/**
 * Sets kernel parameters and idle times that differ from what IPVS mode needs, each written down before, so that
 * `cleanup` can put it back. A parameter that is not vital and cannot be set is reported and done without.
 */
export async function ensureSurroundings(surroundings: Surroundings): Promise<Outcome<void>> {
  const set = await ensureSysctls(surroundings);
  return set.ok ? ensureTimeouts(surroundings) : set;
}

/** Kernel parameters that are there and not as IPVS mode needs them. */
export async function findSysctls({
  options,
  loopback,
  roaming,
}: Pick<Surroundings, 'options' | 'loopback' | 'roaming'>): Promise<Outcome<readonly DifferingSysctl[]>> {
  const differing: DifferingSysctl[] = [];
  for (const wish of planSysctls({ ...options, loopback, roaming })) {
    const found = await options.sysctls.read(wish.name);
    if (found === null && wish.needed) {
      return fail('WP_IPVS_SYSCTL', `${wish.name} does not exist, and IPVS mode cannot work without it`);
    }
    if (found !== null && found !== wish.value) differing.push({ wish, found });
  }
  return succeed(differing);
}

async function ensureSysctls(surroundings: Surroundings): Promise<Outcome<void>> {
  const { options, kernel, tally } = surroundings;
  const looked = await findSysctls(surroundings);
  if (!looked.ok) return looked;
  const differing = looked.value;
  const known = new Set(kernel.records().flatMap((record) => (record.kind === 'sysctl' ? [record.name] : [])));
  const records = differing
    .filter(({ wish }) => wish.restore && !known.has(wish.name))
    .map(({ wish, found }) => recordEntry({ kind: 'sysctl', name: wish.name, value: found }));
  const written = await remember(surroundings, records);
  if (!written.ok) return written;
  for (const { wish, found } of differing) {
    const done = await options.sysctls.write(wish.name, wish.value);
    if (done.ok) {
      tally.operations += 1;
      options.report({ kind: 'sysctl', name: wish.name, from: found, to: wish.value });
    } else if (wish.needed) return done;
    else options.degraded(done.problem);
  }
  return succeed(undefined);
}

/** Idle times in the kernel and those that are wanted; null where they are the same. */
export async function findTimeouts({
  servers,
  timeouts,
}: IpvsOptions): Promise<Outcome<{ readonly found: IpvsTimeouts; readonly wanted: IpvsTimeouts } | null>> {
  const found = await servers.timeouts();
  if (!found.ok) return found;
  const wanted = chooseTimeouts(timeouts, found.value);
  const same = (['tcp', 'tcpFin', 'udp'] as const).every((name) => wanted[name] === found.value[name]);
  return succeed(same ? null : { found: found.value, wanted });
}

async function ensureTimeouts(surroundings: Surroundings): Promise<Outcome<void>> {
  const { options, kernel, tally } = surroundings;
  const looked = await findTimeouts(options);
  if (!looked.ok) return looked;
  if (looked.value === null) return succeed(undefined);
  const { found, wanted } = looked.value;
  const known = kernel.records().some(({ kind }) => kind === 'timeouts');
  const written = await remember(surroundings, known ? [] : [recordEntry({ kind: 'timeouts', value: found })]);
  if (!written.ok) return written;
  const set = await options.servers.setTimeouts(wanted);
  if (!set.ok) return set;
  tally.operations += 1;
  options.report({ kind: 'timeouts', from: found, to: wanted });
  return succeed(undefined);
}

/** What the operator set, else what we think right; the time after FIN is left as it is. */
function chooseTimeouts(set: IpvsTimeouts, found: IpvsTimeouts): IpvsTimeouts {
  return {
    tcp: set.tcp || defaultTimeouts.tcp,
    tcpFin: set.tcpFin || found.tcpFin,
    udp: set.udp || defaultTimeouts.udp,
  };
}

async function remember({ kernel, settings, tally }: Surroundings, records: readonly SideEntry[]): Promise<Outcome<void>> {
  const missing = records.filter((record) => !kernel.entries.has(sideKey(record)));
  if (missing.length === 0) return succeed(undefined);
  const { problem, operations, bytes } = await kernel.changeSide(settings, missing, []);
  if (problem !== null) return { ok: false, problem };
  tally.operations += operations;
  tally.bytes += bytes;
  return succeed(undefined);
}
