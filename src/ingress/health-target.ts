import type { Address, BackendAddress, HealthCheckSpec } from '../model/mod.ts';
import type { ProbeTarget } from './health-types.ts';

/** Printable ASCII without the space, so that it can end neither a line nor a word of a request. */
const printable = /^[!-~]+$/;
/** A file directly in the folder, and not a hidden one. */
const programName = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
/** Below it the grain of the schedule would show. */
const shortestInterval = 100;

/** TCP port that is asked of an address where the check names none. */
export type TcpPorts = ReadonlyMap<Address, number>;

/** The first TCP port of each address; back ends come in the order of the Service's ports. */
export function firstTcpPorts(backends: readonly BackendAddress[]): TcpPorts {
  const ports = new Map<Address, number>();
  for (const { address, protocol, port } of backends) {
    if (protocol === 'TCP' && port !== 0 && !ports.has(address)) ports.set(address, port);
  }
  return ports;
}

/**
 * Why a back end cannot be checked as asked, in words for the Service's owner; null where it can. One of UDP or SCTP is
 * asked at the port that the check names, or at the first TCP port of its address among the Service's back ends.
 */
export function checkable(
  spec: HealthCheckSpec,
  backend: BackendAddress,
  ports: TcpPorts = firstTcpPorts([backend]),
): string | null {
  const wrong = wrongProbe(spec) ?? wrongNumber(spec);
  if (wrong !== null || portToAsk(spec, backend, ports) !== null) return wrong;
  const { protocol, port, address } = backend;
  return `a health check by ${spec.probe.kind.toUpperCase()} of ${protocol} port ${port} needs a TCP port to ask, and ${address} has none: name one`;
}

/** Whom the check of a back end asks; null where it has no port to ask. */
export function targetOf({ probe, port }: HealthCheckSpec, backend: BackendAddress, ports: TcpPorts): ProbeTarget | null {
  const asked = portToAsk({ probe, port }, backend, ports);
  if (asked === null) return null;
  return { probe, address: backend.address, port: asked, protocol: probe.kind === 'exec' ? backend.protocol : 'TCP' };
}

/** What is wrong with a check whomever it asks, or null. */
function wrongProbe({ probe }: HealthCheckSpec): string | null {
  if (probe.kind === 'exec' && !programName.test(probe.program)) {
    return `the program of the health check, ${JSON.stringify(probe.program)}, is not the name of a file in the folder for checks`;
  }
  if (probe.kind === 'http' && !(probe.path.startsWith('/') && printable.test(probe.path))) {
    return `the path of the health check, ${JSON.stringify(probe.path)}, must begin with / and hold printable ASCII without spaces`;
  }
  if (probe.kind === 'http' && probe.host !== null && !printable.test(probe.host)) {
    return `the host of the health check, ${JSON.stringify(probe.host)}, must be printable ASCII without spaces`;
  }
  return null;
}

/** A program is told the back end's own port and makes of it what it likes. */
function portToAsk(
  { probe, port }: Pick<HealthCheckSpec, 'probe' | 'port'>,
  backend: BackendAddress,
  ports: TcpPorts,
): number | null {
  if (port !== null) return port;
  return probe.kind === 'exec' ? backend.port : (ports.get(backend.address) ?? null);
}

function wrongNumber({ intervalMs, timeoutMs, rise, fall }: HealthCheckSpec): string | null {
  for (const [name, value] of Object.entries({ rise, fall })) {
    if (!Number.isInteger(value) || value < 1) return `${name} of the health check is ${value} and must be a whole number from 1`;
  }
  if (!(intervalMs >= shortestInterval)) {
    return `the interval of the health check is ${intervalMs} ms and must be ${shortestInterval} ms or more`;
  }
  if (!(timeoutMs > 0 && timeoutMs <= intervalMs)) {
    return `the time-out of the health check is ${timeoutMs} ms and must be above 0 and not above the interval, ${intervalMs} ms`;
  }
  return null;
}
