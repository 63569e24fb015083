import { fail, succeed } from '../model/mod.ts';
import type { Outcome, Pause } from '../model/mod.ts';
import {
  fouCommands,
  fouFamily,
  tunnelTypes,
  writeDeleteTunnel,
  writeNewTunnel,
  writeRaiseTunnel,
  writeReceivePort,
} from './codec-tunnel.ts';
import { netlinkProtocol, openWire } from './driver-libc.ts';
import { NetlinkSocket } from './driver-socket.ts';
import type { Request } from './driver-socket.ts';
import { errnos } from './errno.ts';
import { resolveFamily } from './generic.ts';
import { messageFlags } from './message.ts';
import { refusedFailure } from './problem.ts';
import type { ReceivePort, TunnelDevice, TunnelPort } from './tunnel-port.ts';

export interface TunnelPortOptions {
  readonly pause: Pause;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** Tunnels through rtnetlink(7) and the generic netlink family `fou`; the kernel loads the modules they need. */
export async function openTunnelPort(options: TunnelPortOptions): Promise<Outcome<TunnelPort>> {
  const route = await openWire(netlinkProtocol.route);
  if (!route.ok) return route;
  const generic = await openWire(netlinkProtocol.generic);
  if (!generic.ok) {
    route.value.close();
    return generic;
  }
  return succeed(
    new NetlinkTunnels(
      new NetlinkSocket({ wire: route.value, ...options }),
      new NetlinkSocket({ wire: generic.value, ...options }),
    ),
  );
}

class NetlinkTunnels implements TunnelPort {
  readonly #route: NetlinkSocket;
  readonly #generic: NetlinkSocket;

  constructor(route: NetlinkSocket, generic: NetlinkSocket) {
    this.#route = route;
    this.#generic = generic;
  }

  async addDevice(device: TunnelDevice): Promise<Outcome<void>> {
    const create = {
      type: tunnelTypes.new,
      flags: messageFlags.create | messageFlags.exclusive,
      body: (writer: WriterOf) => writeNewTunnel(writer, device),
    };
    const made = await this.#run(this.#route, create, `make the tunnel ${device.name}`, [errnos.EEXIST]);
    if (!made.ok || made.value) return made.ok ? succeed(undefined) : made;
    const raise = { type: tunnelTypes.new, body: (writer: WriterOf) => writeRaiseTunnel(writer, device.name) };
    const raised = await this.#run(this.#route, raise, `set the tunnel ${device.name} up`, []);
    return raised.ok ? succeed(undefined) : raised;
  }

  deleteDevice(name: string): Promise<Outcome<boolean>> {
    const request = { type: tunnelTypes.delete, body: (writer: WriterOf) => writeDeleteTunnel(writer, name) };
    return this.#run(this.#route, request, `delete the tunnel ${name}`, [errnos.ENODEV]);
  }

  async addReceivePort(port: ReceivePort): Promise<Outcome<void>> {
    const what = `take packets out of UDP at port ${port.port} (${port.family})`;
    const added = await this.#ask(port, 'add', what);
    if (!added.ok || added.value) return added.ok ? succeed(undefined) : added;
    // The port is in use: by what an earlier run left, or by a socket that has nothing to do with tunnels.
    const known = await this.#ask(port, 'get', what);
    if (!known.ok || known.value) return known.ok ? succeed(undefined) : known;
    return fail('WP_NETLINK_REFUSED', `cannot ${what}: another program has that port`);
  }

  deleteReceivePort(port: ReceivePort): Promise<Outcome<boolean>> {
    return this.#ask(port, 'delete', `stop taking packets out of UDP at port ${port.port} (${port.family})`);
  }

  close(): void {
    this.#route[Symbol.dispose]();
    this.#generic[Symbol.dispose]();
  }

  async #ask(port: ReceivePort, verb: keyof typeof fouCommands, what: string): Promise<Outcome<boolean>> {
    const family = await resolveFamily(this.#generic, fouFamily);
    if (!family.ok) return family.problem.code === 'WP_NETLINK_FAMILY' && verb === 'delete' ? succeed(false) : family;
    const request = {
      type: family.value,
      body: (writer: WriterOf) => writeReceivePort(writer, fouCommands[verb], port),
    };
    return await this.#run(this.#generic, request, what, idleErrors[verb]);
  }

  /** True where the kernel did it, false where there was nothing to do. */
  async #run(socket: NetlinkSocket, request: Request, what: string, idle: readonly number[]): Promise<Outcome<boolean>> {
    const { verdicts, failure } = await socket.submit([request]);
    const [verdict] = verdicts;
    if (verdict?.kind === 'done') return succeed(true);
    if (verdict?.kind !== 'refused') {
      const problem = failure?.problem ?? {
        code: 'WP_NETLINK_SILENT',
        message: `the kernel did not say whether it would ${what}`,
      };
      return { ok: false, problem };
    }
    if (idle.includes(verdict.refusal.errno)) return succeed(false);
    return { ok: false, problem: refusedFailure(what, verdict.refusal).problem };
  }
}

/** Error numbers that say there was nothing to do (net/ipv4/fou_core.c). */
const idleErrors = {
  add: [errnos.EADDRINUSE],
  delete: [errnos.EINVAL, errnos.ENOENT],
  get: [errnos.EINVAL, errnos.ENOENT],
} as const;

type WriterOf = Parameters<Request['body']>[0];
