import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import type { NetlinkSocket, Request } from './driver-socket.ts';
import { errnos } from './errno.ts';
import type { Message } from './message.ts';

/** What a list is asked with, how an error calls it, and what its messages are read as; null for one that is not meant. */
export interface ListQuery<T> {
  readonly request: Request;
  readonly what: string;
  /** Type of the messages that the list consists of. */
  readonly type: number;
  readonly read: (view: DataView, message: Message) => T | null;
}

/** A list during which the table changed is asked for again so often. */
const listAttempts = 6;

/** A whole list of the kernel's, or `WP_NETLINK_*`. What nobody has made yet is an empty one. */
export async function listAll<T>(
  socket: NetlinkSocket,
  { request, what, type, read }: ListQuery<T>,
): Promise<Outcome<readonly T[]>> {
  for (let attempt = 1; ; attempt += 1) {
    const found: T[] = [];
    const result = await socket.dump(request, what, (view, message) => {
      const item = message.type === type ? read(view, message) : null;
      if (item !== null) found.push(item);
    });
    if (result.ok && !result.interrupted) return succeed(found);
    // Asked for a table that nobody has made yet.
    if (!result.ok && result.failure.errno === errnos.ENOENT) return succeed([]);
    if (!result.ok && result.failure.errno !== errnos.EBUSY) return { ok: false, problem: result.failure.problem };
    if (attempt >= listAttempts) return fail('WP_NETLINK_SILENT', `cannot ${what}: they kept changing meanwhile`);
  }
}
