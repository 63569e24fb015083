import { isPort, parseAddress, parseDuration } from '../model/mod.ts';
import type { HealthCheckSpec, HealthProbe } from '../model/mod.ts';
import { noteValue, parsedOf, textOf, valueOf, wholeOf } from './decode-annotations.ts';
import type { Annotations } from './decode-annotations.ts';

/** Annotations that say something about a health check and mean nothing without one. */
const details = [
  'health-check-port',
  'health-check-interval',
  'health-check-timeout',
  'health-check-rise',
  'health-check-fall',
  'health-check-host',
];

export const healthCheckNames: readonly string[] = ['health-check', ...details];

const maxProbeLength = 1024;
const maxHostLength = 260;
const leastIntervalMs = 100;
const mostIntervalMs = 3_600_000;
const usualIntervalMs = 5000;
const usualTimeoutMs = 2000;
const leastTimeoutMs = 10;
const usualRise = 2;
const usualFall = 3;
const mostInRow = 100;

/** `waypost.dev/health-check` and what goes with it; null where none is asked for, and where it is not known which. */
export function readHealthCheck(annotations: Annotations): HealthCheckSpec | null {
  const probe = readProbe(annotations);
  if (probe === null) {
    noteIdle(annotations, details, 'nothing is asked without waypost.dev/health-check, it is ignored');
    return null;
  }
  if (probe.kind !== 'http') noteIdle(annotations, ['health-check-host'], 'only http names a host, it is ignored');
  const intervalMs = readInterval(annotations);
  return {
    probe,
    port: wholeOf(annotations, 'health-check-port', 1, 65_535, null),
    intervalMs,
    timeoutMs: readTimeout(annotations, intervalMs),
    rise: wholeOf(annotations, 'health-check-rise', 1, mostInRow, usualRise),
    fall: wholeOf(annotations, 'health-check-fall', 1, mostInRow, usualFall),
  };
}

function readProbe(annotations: Annotations): HealthProbe | null {
  const needed = 'tcp, http, http:/path or exec:program is needed, back ends are not asked';
  const text = textOf(annotations, 'health-check', maxProbeLength, needed);
  if (text === null) return null;
  const probe = parseProbe(text);
  if (probe === null) noteValue(annotations, 'health-check', text, needed);
  return probe?.kind === 'http' ? { ...probe, host: readHost(annotations) } : probe;
}

/** Path and program are written into a request line and a path: nothing there may end a line, or lead out of a folder. */
function parseProbe(text: string): HealthProbe | null {
  if (text === 'tcp') return { kind: 'tcp' };
  if (text === 'http') return { kind: 'http', path: '/', host: null };
  const path = /^http:(\/[!-"$-~]*)$/.exec(text)?.[1];
  if (path !== undefined) return { kind: 'http', path, host: null };
  const program = /^exec:([A-Za-z0-9_-][A-Za-z0-9._-]{0,127})$/.exec(text)?.[1];
  return program === undefined ? null : { kind: 'exec', program };
}

/** The field Host of a request (RFC 9110 7.2): a name or an address, and perhaps a port. */
function readHost(annotations: Annotations): string | null {
  const needed = 'a host name or an address, and perhaps a port, is needed, the address that is asked is named';
  const text = textOf(annotations, 'health-check-host', maxHostLength, needed);
  if (text === null) return null;
  if (isHost(text)) return text;
  noteValue(annotations, 'health-check-host', text, needed);
  return null;
}

function isHost(text: string): boolean {
  const [, address, name, port] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_](?:[a-z0-9._-]{0,252})))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (port !== undefined && !isPort(Number(port))) return false;
  return name !== undefined || (address !== undefined && parseAddress(address) !== null);
}

function readInterval(annotations: Annotations): number {
  const parse = (text: string): number | null => parseTime(text, leastIntervalMs, mostIntervalMs);
  const needed = 'a time from 100ms to 1h like 5s or 5 is needed, 5s is taken';
  return parsedOf(annotations, 'health-check-interval', parse, usualIntervalMs, needed);
}

/** An answer is waited for no longer than until the next question. */
function readTimeout(annotations: Annotations, intervalMs: number): number {
  const usual = Math.min(intervalMs, usualTimeoutMs);
  const parse = (text: string): number | null => parseTime(text, leastTimeoutMs, intervalMs);
  const needed = `a time from ${leastTimeoutMs}ms to the interval of ${intervalMs}ms is needed, ${usual}ms is taken`;
  return parsedOf(annotations, 'health-check-timeout', parse, usual, needed);
}

/** A Go duration, or a number of seconds, in whole milliseconds. */
function parseTime(text: string, leastMs: number, mostMs: number): number | null {
  const time = Math.round(/^\d{1,9}$/.test(text) ? Number(text) * 1000 : (parseDuration(text) ?? Number.NaN));
  return time >= leastMs && time <= mostMs ? time : null;
}

function noteIdle(annotations: Annotations, names: readonly string[], consequence: string): void {
  for (const name of names) {
    const value = valueOf(annotations, name);
    if (value !== undefined) noteValue(annotations, name, value, consequence);
  }
}
