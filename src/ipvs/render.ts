import { addressBits, formatAddress, formatEndpoint } from '../model/mod.ts';
import type { IpvsOperation } from './port.ts';
import { isHashScheduler, serverFamily } from './validate.ts';
import type { Destination, Forwarding, SchedulerFlag, ServerKey, VirtualServer } from './virtual-server.ts';

const verbs: Readonly<Record<IpvsOperation['verb'], string>> = {
  'add-server': '-A',
  'edit-server': '-E',
  'delete-server': '-D',
  'add-destination': '-a',
  'edit-destination': '-e',
  'delete-destination': '-d',
};

const protocolOptions = { TCP: '-t', UDP: '-u', SCTP: '--sctp-service' } as const;

/**
 * The line for `ipvsadm --restore` that does an operation, without its end. It always says everything: an edit that left
 * something out would reset it. Only for what `validateOperation` has passed.
 */
export function renderOperation(operation: IpvsOperation): string {
  const verb = verbs[operation.verb];
  switch (operation.verb) {
    case 'add-server':
    case 'edit-server':
      return `${verb} ${renderServer(operation.server)}`;
    case 'delete-server':
      return `${verb} ${renderServerKey(operation.key)}`;
    case 'delete-destination':
      return `${verb} ${renderServerKey(operation.key)} -r ${formatEndpoint(operation.destination.address, operation.destination.port)}`;
    default:
      return `${verb} ${renderServerKey(operation.key)} ${renderDestination(operation.destination)}`;
  }
}

/** How `ipvsadm` names a server: a mark in decimal, with `-6` for IPv6. */
export function renderServerKey(key: ServerKey): string {
  if (key.kind === 'mark') return key.family === 'IPv6' ? `-f ${key.mark} -6` : `-f ${key.mark}`;
  return `${protocolOptions[key.protocol]} ${formatEndpoint(key.address, key.port)}`;
}

/** How `ipvsadm` names the flags of this scheduler; others than `sh` and `mh` have numbers only. */
export function flagNames(scheduler: string): Readonly<Record<SchedulerFlag, string>> {
  return isHashScheduler(scheduler)
    ? { fallback: `${scheduler}-fallback`, port: `${scheduler}-port`, 'flag-3': 'flag-3' }
    : { fallback: 'flag-1', port: 'flag-2', 'flag-3': 'flag-3' };
}

function renderServer({ key, scheduler, schedulerFlags, persistence, onePacket, persistenceEngine }: VirtualServer): string {
  const names = flagNames(scheduler);
  const words = [renderServerKey(key), `-s ${scheduler}`];
  if (schedulerFlags.length > 0) words.push(`-b ${schedulerFlags.map((flag) => names[flag]).join(',')}`);
  if (persistence !== null) words.push(`-p ${persistence.timeoutSeconds} -M ${renderMask(key, persistence.prefixLength)}`);
  if (persistenceEngine !== null) words.push(`--pe ${persistenceEngine}`);
  if (onePacket) words.push('-o');
  return words.join(' ');
}

function renderMask(key: ServerKey, length: number): string {
  const family = serverFamily(key);
  if (family === 'IPv6') return String(length);
  const bits = '1'.repeat(length).padEnd(addressBits(family), '0');
  return formatAddress(Uint8Array.from([0, 8, 16, 24], (at) => Number.parseInt(bits.slice(at, at + 8), 2)));
}

function renderDestination({ address, port, forwarding, weight, upperThreshold, lowerThreshold }: Destination): string {
  return `-r ${formatEndpoint(address, port)} ${renderForwarding(forwarding)} -w ${weight} -x ${upperThreshold} -y ${lowerThreshold}`;
}

function renderForwarding(forwarding: Forwarding): string {
  if (forwarding.method === 'masquerade') return '-m';
  if (forwarding.method === 'direct') return '-g';
  const { encapsulation, port, checksum } = forwarding;
  if (encapsulation === 'ipip') return '-i --tun-type ipip';
  const sum = `--tun-${checksum === 'none' ? 'nocsum' : checksum}`;
  return encapsulation === 'gue' ? `-i --tun-type gue --tun-port ${port} ${sum}` : `-i --tun-type gre ${sum}`;
}
