import { addressBits, addressBytes, familyOf } from '../model/mod.ts';
import type { Address, Family } from '../model/mod.ts';
import { ipvsProblem, operationText } from './errors.ts';
import type { IpvsProblem } from './errors.ts';
import type { IpvsOperation, IpvsTimeouts } from './port.ts';
import type { Destination, DestinationKey, Forwarding, ServerKey, VirtualServer } from './virtual-server.ts';

/** Weights, thresholds are C integers; `ipvsadm` takes idle times up to 31 days. */
const mostWeight = 2 ** 31 - 1;
const mostSeconds = 31 * 24 * 60 * 60;

const schedulerName = /^[a-z0-9_]{1,15}$/;

/** True for schedulers that read flags 0x08 and 0x10 as fallback and port. */
export function isHashScheduler(scheduler: string): boolean {
  return scheduler === 'sh' || scheduler === 'mh';
}

export function serverFamily(key: ServerKey): Family {
  return key.kind === 'mark' ? key.family : familyOf(key.address);
}

/** What is wrong with a virtual server, naming the field and its value; null where nothing is. */
export function validateServer(server: VirtualServer): IpvsProblem | null {
  const { key, scheduler, schedulerFlags, persistence, onePacket, persistenceEngine } = server;
  const problem =
    findInKey(key) ??
    findInPersistence(key, persistence) ??
    check(schedulerName.test(scheduler), 'scheduler', scheduler, 'must be 1 to 15 of a-z, 0-9 and _') ??
    // `ipvsadm --save` names only the two flags that these schedulers read.
    check(
      !isHashScheduler(scheduler) || !schedulerFlags.includes('flag-3'),
      'schedulerFlags',
      'flag-3',
      'means nothing to sh and mh',
    ) ??
    check(
      persistenceEngine === null || schedulerName.test(persistenceEngine),
      'persistenceEngine',
      persistenceEngine,
      'must be 1 to 15 of a-z, 0-9 and _',
    ) ??
    check(!onePacket || key.kind === 'mark' || key.protocol === 'UDP', 'onePacket', true, 'is for UDP and for marks only');
  if (problem !== null) return problem;
  if (key.kind === 'address' && key.port === 0 && persistence === null)
    return invalid('port', 0, 'needs persistence: it stands for every port');
  return null;
}

/** What is wrong with a destination of the server with this key; null where nothing is. */
export function validateDestination(key: ServerKey, destination: Destination): IpvsProblem | null {
  const { forwarding, weight, upperThreshold, lowerThreshold } = destination;
  return (
    findInKey(key) ??
    findInDestinationKey(key, destination) ??
    findInForwarding(key, destination, forwarding) ??
    check(isCount(weight), 'weight', weight, `must be a whole number from 0 to ${mostWeight}`) ??
    check(isCount(upperThreshold), 'upperThreshold', upperThreshold, `must be a whole number from 0 to ${mostWeight}`) ??
    check(isCount(lowerThreshold), 'lowerThreshold', lowerThreshold, `must be a whole number from 0 to ${mostWeight}`) ??
    check(lowerThreshold <= upperThreshold, 'lowerThreshold', lowerThreshold, `is above upperThreshold ${upperThreshold}`)
  );
}

/**
 * What is wrong with a destination in this very server, beyond {@link validateDestination}: combinations that the kernel
 * takes and that lose packets (specification 1.5 and 1.6).
 */
export function validateMember(server: VirtualServer, destination: Destination): IpvsProblem | null {
  return (
    validateDestination(server.key, destination) ??
    check(
      !server.onePacket || destination.forwarding.method !== 'masquerade',
      'forwarding',
      'masquerade',
      'loses the replies of a one-packet server',
    ) ??
    check(
      server.key.kind === 'address' || server.persistence === null || destination.port === 0,
      'port',
      destination.port,
      'is ignored in a persistent server of a mark: use 0',
    )
  );
}

/** What is wrong with an operation of a port of this family; nothing of it may reach the kernel then. */
export function validateOperation(family: Family, operation: IpvsOperation): IpvsProblem | null {
  const key = 'server' in operation ? operation.server.key : operation.key;
  const problem =
    check(serverFamily(key) === family, 'family', serverFamily(key), `is not that of this port, ${family}`) ??
    findInOperation(operation);
  return problem === null ? null : ipvsProblem('WP_IPVS_INVALID', `cannot ${operationText(operation)}: ${problem.message}`);
}

/** What is wrong with idle times; 0 keeps a value. */
export function validateTimeouts(timeouts: IpvsTimeouts): IpvsProblem | null {
  for (const field of ['tcp', 'tcpFin', 'udp'] as const) {
    const value = timeouts[field];
    if (!isWhole(value, 0, mostSeconds))
      return invalid(field, value, `must be a whole number of seconds from 0 to ${mostSeconds}`);
  }
  return null;
}

function findInOperation(operation: IpvsOperation): IpvsProblem | null {
  switch (operation.verb) {
    case 'add-server':
    case 'edit-server':
      return validateServer(operation.server);
    case 'delete-server':
      return findInKey(operation.key);
    case 'delete-destination':
      return findInKey(operation.key) ?? findInDestinationKey(operation.key, operation.destination);
    default:
      return validateDestination(operation.key, operation.destination);
  }
}

function findInKey(key: ServerKey): IpvsProblem | null {
  if (key.kind === 'mark')
    return check(isWhole(key.mark, 1, 2 ** 32 - 1), 'mark', key.mark, 'must be a whole number from 1 to 4294967295');
  return (
    check(isWhole(key.port, 0, 65535), 'port', key.port, 'must be a whole number from 0 to 65535') ??
    check(isUnicast(key.address), 'address', key.address, 'must be a unicast address')
  );
}

function findInPersistence(key: ServerKey, persistence: VirtualServer['persistence']): IpvsProblem | null {
  if (persistence === null) return null;
  const { timeoutSeconds, prefixLength } = persistence;
  const bits = addressBits(serverFamily(key));
  return (
    check(
      isWhole(timeoutSeconds, 1, mostSeconds),
      'timeoutSeconds',
      timeoutSeconds,
      `must be a whole number from 1 to ${mostSeconds}`,
    ) ?? check(isWhole(prefixLength, 1, bits), 'prefixLength', prefixLength, `must be a whole number from 1 to ${bits}`)
  );
}

function findInDestinationKey(key: ServerKey, { address, port }: DestinationKey): IpvsProblem | null {
  const least = key.kind === 'mark' || key.port === 0 ? 0 : 1;
  return (
    check(isWhole(port, least, 65535), 'port', port, `of a destination must be a whole number from ${least} to 65535`) ??
    check(isUnicast(address), 'address', address, 'of a destination must be a unicast address')
  );
}

function findInForwarding(key: ServerKey, { address, port }: DestinationKey, forwarding: Forwarding): IpvsProblem | null {
  const { method } = forwarding;
  const foreign = familyOf(address) !== serverFamily(key);
  if (foreign && method !== 'tunnel') return invalid('address', address, 'is of the other family, which only a tunnel can carry');
  // Only address translation can change a port; `ipvsadm` would replace it without a word.
  if (method !== 'masquerade' && key.kind === 'address' && port !== key.port) {
    return invalid('port', port, `of a destination must be that of the server, ${key.port}, without address translation`);
  }
  if (forwarding.method !== 'tunnel') return null;
  const { encapsulation, checksum } = forwarding;
  const isGue = encapsulation === 'gue';
  return (
    check(
      isWhole(forwarding.port, isGue ? 1 : 0, isGue ? 65535 : 0),
      'forwarding.port',
      forwarding.port,
      isGue ? 'must be from 1 to 65535' : 'is for gue only',
    ) ??
    check(encapsulation !== 'ipip' || checksum === 'none', 'forwarding.checksum', checksum, 'is for gue and gre only') ??
    check(isGue || checksum !== 'remcsum', 'forwarding.checksum', checksum, 'is for gue only')
  );
}

/** Neither unspecified, broadcast, multicast nor, for IPv6, link-local: what the kernel takes without asking its routes. */
export function isUnicast(address: Address): boolean {
  const [first = 0, second = 0, ...rest] = addressBytes(address);
  if (familyOf(address) === 'IPv4') return first !== 0 && (first < 224 || first > 239) && address !== '255.255.255.255';
  if (first === 0xff || (first === 0xfe && (second & 0xc0) === 0x80)) return false;
  return first !== 0 || second !== 0 || rest.some((byte) => byte !== 0);
}

function isCount(value: number): boolean {
  return isWhole(value, 0, mostWeight);
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function check(good: boolean, field: string, value: unknown, rule: string): IpvsProblem | null {
  return good ? null : invalid(field, value, rule);
}

function invalid(field: string, value: unknown, rule: string): IpvsProblem {
  return ipvsProblem('WP_IPVS_INVALID', `${field} ${JSON.stringify(value)} ${rule}`);
}
