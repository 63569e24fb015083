import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { controllerFamily, readFamilyId, writeFamilyQuery } from './codec-generic.ts';
import type { NetlinkSocket } from './driver-socket.ts';
import { errnos } from './errno.ts';

/**
 * The number of a generic netlink family, to be used as the type of messages to it; the socket must be one of
 * `netlinkProtocol.generic`. The kernel loads the family's module where it can. Numbers are given out at run time and
 * stay for as long as the module is loaded. Fails with `WP_NETLINK_FAMILY` where the kernel has no such family, else
 * with the problem of the conversation.
 */
export async function resolveFamily(socket: Pick<NetlinkSocket, 'ask'>, name: string): Promise<Outcome<number>> {
  const ids: number[] = [];
  const request = {
    type: controllerFamily,
    body: (writer: Parameters<typeof writeFamilyQuery>[0]) => writeFamilyQuery(writer, name),
  };
  const what = `name the generic netlink family ${name}`;
  const result = await socket.ask(request, what, (view, message) => {
    const id = readFamilyId(view, message);
    if (id !== null) ids.push(id);
  });
  if (!result.ok && result.failure.errno !== errnos.ENOENT) return { ok: false, problem: result.failure.problem };
  const [id] = ids;
  if (id !== undefined) return succeed(id);
  const reason = `the kernel has no generic netlink family ${name}, and no module that brings it could be loaded`;
  return fail('WP_NETLINK_FAMILY', reason, result.ok ? undefined : result.failure.problem);
}
