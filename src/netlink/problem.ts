import type { Problem } from '../model/mod.ts';
import { errnoName } from './errno.ts';
import type { Refusal } from './message.ts';

/** A failure with the error number that decides what is done next; 0 where it was not the kernel's. */
export interface Failure {
  readonly problem: Problem;
  readonly errno: number;
}

export function refusedFailure(what: string, refusal: Refusal): Failure {
  const { errno, text, offset, missing } = refusal;
  const hints = [
    ...(text === '' ? [] : [text]),
    ...(offset === null ? [] : [`at byte ${offset} of the request`]),
    ...(missing === null ? [] : [`attribute ${missing} is missing`]),
  ];
  const why = hints.length === 0 ? errnoName(errno) : `${errnoName(errno)}: ${hints.join(', ')}`;
  return { problem: { code: 'WP_NETLINK_REFUSED', message: `the kernel refused to ${what}: ${why}` }, errno };
}

/** The socket itself failed. */
export function socketFailure(what: string, errno: number): Failure {
  return { problem: { code: 'WP_NETLINK_SOCKET', message: `cannot ${what}: ${errnoName(errno)}` }, errno };
}

/** The kernel did not answer, or not all of it came through. */
export function silentFailure(what: string): Failure {
  return { problem: { code: 'WP_NETLINK_SILENT', message: `the kernel gave no full answer when asked to ${what}` }, errno: 0 };
}

export function malformedFailure(what: string): Failure {
  return { problem: { code: 'WP_NETLINK_MALFORMED', message: `the kernel's answer to ${what} is not netlink` }, errno: 0 };
}
