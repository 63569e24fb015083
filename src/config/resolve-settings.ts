import { familyOf, formatEndpoint, parseAddress } from '../model/mod.ts';
import type { ProxyMode } from '../model/mod.ts';
import type { Assignment, Reading } from './assignment.ts';
import type { DefaultFacts, ValueKind, ValueKinds } from './field.ts';
import { rows } from './fields.ts';
import type { Settings } from './fields.ts';
import type { FlagReading } from './read-flags.ts';

/** A value for every field, and where each value that was given stands. */
export interface Resolved {
  readonly settings: Settings;
  readonly origins: ReadonlyMap<string, string>;
}

/**
 * Joins defaults, file and flags (specification 9.1): without a file the flags count, with one only those
 * that beat it. Pure; the values are not validated yet.
 */
export function resolveSettings(file: Reading | null, flags: FlagReading): Resolved {
  const mode = findMode(file, flags);
  const given = new Map<string, Assignment>();
  for (const assignment of file?.assignments ?? []) given.set(assignment.path, assignment);
  for (const assignment of flags.assignmentsFor(mode, file !== null)) given.set(assignment.path, joinWithFile(assignment, given));
  for (const path of rows.filter(({ zeroIsUnset }) => zeroIsUnset).map((row) => row.path)) {
    if (given.get(path)?.value === '') given.delete(path);
  }

  const bind = given.get('bindAddress')?.value;
  const bindAddress = typeof bind === 'string' ? parseAddress(bind) : null;
  const facts: DefaultFacts = {
    mode,
    bindsIpv6: bindAddress !== null && familyOf(bindAddress) === 'IPv6',
    fromFile: file !== null,
  };
  const values: Record<string, ValueKinds[ValueKind]> = {};
  for (const { path, fallback } of rows) {
    values[path] = given.get(path)?.value ?? (typeof fallback === 'function' ? fallback(facts) : fallback);
  }
  const settings = completeAddresses(values as unknown as Settings, file === null ? flags : null);
  return { settings, origins: new Map([...given.values()].map(({ path, origin }) => [path, origin])) };
}

/** Levels for single files given by flag come before those of the file; any other flag replaces the value. */
function joinWithFile(flag: Assignment, given: ReadonlyMap<string, Assignment>): Assignment {
  const earlier = given.get(flag.path)?.value;
  if (flag.path !== 'logging.vmodule' || !Array.isArray(earlier) || !Array.isArray(flag.value)) return flag;
  return { ...flag, value: [...(flag.value as readonly string[]), ...(earlier as readonly string[])] };
}

/** The mode decides which fields some flags set and what some defaults are; an unknown one is reported later. */
function findMode(file: Reading | null, flags: FlagReading): ProxyMode {
  const assignments = file === null ? flags.assignmentsFor('iptables', false) : file.assignments;
  const mode = assignments.find(({ path }) => path === 'mode')?.value;
  return mode === 'ipvs' || mode === 'nftables' ? mode : 'iptables';
}

function completeAddresses(settings: Settings, flags: FlagReading | null): Settings {
  return {
    ...settings,
    healthzBindAddress: completeAddress(settings.healthzBindAddress, 10256, flags?.process.healthzPort ?? null),
    metricsBindAddress: completeAddress(settings.metricsBindAddress, 10249, flags?.process.metricsPort ?? null),
  };
}

/** A bare IP address gets the usual port, or the one of the deprecated flag; `--healthz-port=0` disables. */
function completeAddress(text: string, usual: number, flag: number | null): string {
  if (flag === 0) return '';
  return parseAddress(text) === null ? text : formatEndpoint(text, flag ?? usual);
}
