import { errnoName } from '../netlink/mod.ts';
import type { Refusal } from '../netlink/mod.ts';
import type { Problem } from '../model/mod.ts';
import type { IpvsOperation } from './port.ts';
import { destinationKeyText, serverKeyText } from './virtual-server.ts';

/**
 * Everything that can go wrong with the kernel's virtual servers:
 *
 * - `EXISTS`: the server or destination to add is there already.
 * - `NO_SERVER`: the server to edit, delete or add a destination to does not exist.
 * - `NO_DESTINATION`: the destination to edit or delete does not exist.
 * - `NO_SCHEDULER`: the kernel has no such scheduler or persistence engine, and no module that brings it.
 * - `INVALID`: a value that no kernel takes, or an address that this node's kernel does not call unicast.
 * - `RANGE`: a number that the kernel does not take.
 * - `MISSING`: the kernel has no IPVS, and no module that brings it.
 * - `DENIED`: CAP_NET_ADMIN is missing.
 * - `UNSURE`: the answer was lost or incomplete, or the tool was ended; what was asked for may have been done or not.
 * - `TOOL`: `ipvsadm` cannot be run.
 * - `UNREADABLE`: a text that is not the tool's or the kernel's format.
 * - `FOREIGN`: another program made the virtual server that a Service needs; it stays as it is.
 * - `SYSCTL`: a kernel setting cannot be read or written.
 * - `REFUSED`: any other refusal, with the kernel's error number or the tool's words.
 */
export type IpvsCode =
  | 'WP_IPVS_EXISTS'
  | 'WP_IPVS_NO_SERVER'
  | 'WP_IPVS_NO_DESTINATION'
  | 'WP_IPVS_NO_SCHEDULER'
  | 'WP_IPVS_INVALID'
  | 'WP_IPVS_RANGE'
  | 'WP_IPVS_MISSING'
  | 'WP_IPVS_DENIED'
  | 'WP_IPVS_UNSURE'
  | 'WP_IPVS_TOOL'
  | 'WP_IPVS_UNREADABLE'
  | 'WP_IPVS_FOREIGN'
  | 'WP_IPVS_SYSCTL'
  | 'WP_IPVS_REFUSED';

export interface IpvsProblem extends Problem {
  readonly code: IpvsCode;
}

export function ipvsProblem(code: IpvsCode, message: string, cause?: unknown): IpvsProblem {
  return cause === undefined ? { code, message } : { code, message, cause };
}

/** `add destination 10.244.1.2:8080 of TCP 10.96.0.1:443`, for messages. */
export function operationText(operation: IpvsOperation): string {
  switch (operation.verb) {
    case 'add-server':
    case 'edit-server':
      return `${operation.verb.replace('-', ' ')} ${serverKeyText(operation.server.key)}`;
    case 'delete-server':
      return `delete server ${serverKeyText(operation.key)}`;
    default:
      return `${operation.verb.replace('-', ' ')} ${destinationKeyText(operation.destination)} of ${serverKeyText(operation.key)}`;
  }
}

/** What the kernel calls ENOENT depends on what was asked (net/netfilter/ipvs/ip_vs_ctl.c). */
const codes: Readonly<Record<string, IpvsCode>> = {
  EEXIST: 'WP_IPVS_EXISTS',
  ESRCH: 'WP_IPVS_NO_SERVER',
  EINVAL: 'WP_IPVS_INVALID',
  ERANGE: 'WP_IPVS_RANGE',
  EPERM: 'WP_IPVS_DENIED',
};

const reasons: Readonly<Partial<Record<IpvsCode, string>>> = {
  WP_IPVS_EXISTS: 'it exists already',
  WP_IPVS_NO_SERVER: 'there is no such virtual server',
  WP_IPVS_NO_DESTINATION: 'the virtual server has no such destination',
  WP_IPVS_NO_SCHEDULER: 'the kernel has no such scheduler or persistence engine',
  WP_IPVS_INVALID: 'a value is not valid, or the address is not a unicast address to this node',
  WP_IPVS_RANGE: 'a number is out of range',
  WP_IPVS_DENIED: 'the capability CAP_NET_ADMIN is missing',
};

/** The problem of an operation that was refused with this code, in one sentence. */
export function operationProblem(code: IpvsCode, operation: IpvsOperation, detail = ''): IpvsProblem {
  const reason = reasons[code] ?? 'refused';
  return ipvsProblem(code, `cannot ${operationText(operation)}: ${reason}${detail === '' ? '' : ` (${detail})`}`);
}

/** The problem behind the error number with which the kernel refused an operation. */
export function explainRefusal(operation: IpvsOperation, { errno, text }: Pick<Refusal, 'errno' | 'text'>): IpvsProblem {
  const name = errnoName(errno);
  const detail = text === '' ? name : `${name}: ${text}`;
  if (name === 'ENOENT') {
    const ofServer = operation.verb === 'add-server' || operation.verb === 'edit-server';
    return operationProblem(ofServer ? 'WP_IPVS_NO_SCHEDULER' : 'WP_IPVS_NO_DESTINATION', operation, detail);
  }
  return operationProblem(codes[name] ?? 'WP_IPVS_REFUSED', operation, detail);
}

/** It may have been done or not. */
export function unsureProblem(operation: IpvsOperation): IpvsProblem {
  return ipvsProblem('WP_IPVS_UNSURE', `the answer to ${operationText(operation)} did not come through`);
}
