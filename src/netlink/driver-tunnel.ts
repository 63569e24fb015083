import { fail, succeed } from '../model/mod.ts';
import type { Address, Outcome, Pause } from '../model/mod.ts';
import { addressTypes, linkTypes, writeLinkQuery } from './codec-link.ts';
import {
  fouCommands,
  fouFamily,
  readDevice,
  tunnelTypes,
  writeDeleteTunnel,
  writeNewAddress,
  writeNewTunnel,
  writeRaiseTunnel,
  writeReceivePort,
} from './codec-tunnel.ts';
import { netlinkProtocol, openWire } from './driver-libc.ts';
import { NetlinkSocket } from './driver-socket.ts';
import type { Request } from './driver-socket.ts';
import { errnos } from './errno.ts';
import { resolveFamily } from './generic.ts';
import { listAll } from './list-all.ts';
import { messageFlags } from './message.ts';
import { refusedFailure } from './problem.ts';
import type { FoundDevice, ReceivePort, TunnelDevice, TunnelPort } from './tunnel-port.ts';

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

  async findDevice(name: string): Promise<Outcome<FoundDevice | null>> {
    const listed = await listAll(this.#route, {
      request: { type: linkTypes.get, body: (writer) => writeLinkQuery(writer, null) },
      what: 'list interfaces',
      type: linkTypes.new,
      read: readDevice,
    });
    return listed.ok ? succeed(listed.value.find((device) => device.name === name) ?? null) : listed;
  }

  async addDevice(device: TunnelDevice): Promise<Outcome<void>> {
    const create = {
      type: tunnelTypes.new,
      flags: messageFlags.create | messageFlags.exclusive,
      body: (writer: WriterOf) => writeNewTunnel(writer, device),
    };
    const raise = { type: tunnelTypes.new, body: (writer: WriterOf) => writeRaiseTunnel(writer, device) };
    // In one go, so that nothing can end between the two and leave a device behind that says nothing of itself.
    const made = await this.#run(this.#route, [create, raise], `make the tunnel ${device.name}`, []);
    return made.ok ? succeed(undefined) : made;
  }

  async addAddress(index: number, address: Address): Promise<Outcome<void>> {
    const request = {
      type: addressTypes.new,
      flags: messageFlags.create | messageFlags.exclusive,
      body: (writer: WriterOf) => writeNewAddress(writer, index, address),
    };
    const added = await this.#run(this.#route, [request], `give ${address} to interface ${index}`, [errnos.EEXIST]);
    return added.ok ? succeed(undefined) : added;
  }

  deleteDevice(name: string): Promise<Outcome<boolean>> {
    const request = { type: tunnelTypes.delete, body: (writer: WriterOf) => writeDeleteTunnel(writer, name) };
    return this.#run(this.#route, [request], `delete the tunnel ${name}`, [errnos.ENODEV]);
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

  hasReceivePort(port: ReceivePort): Promise<Outcome<boolean>> {
    return this.#ask(port, 'get', `ask for the receiving port ${port.port} (${port.family})`);
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
    if (!family.ok) return family.problem.code === 'WP_NETLINK_FAMILY' && verb !== 'add' ? succeed(false) : family;
    const request = {
      type: family.value,
      body: (writer: WriterOf) => writeReceivePort(writer, fouCommands[verb], port),
    };
    return await this.#run(this.#generic, [request], what, idleErrors[verb]);
  }

  /** True where the kernel did it, false where there was nothing to do. The first refusal counts. */
  async #run(
    socket: NetlinkSocket,
    requests: readonly Request[],
    what: string,
    idle: readonly number[],
  ): Promise<Outcome<boolean>> {
    const { verdicts, failure } = await socket.submit(requests);
    if (verdicts.every(({ kind }) => kind === 'done')) return succeed(true);
    const refused = verdicts.find((verdict) => verdict.kind === 'refused');
    if (refused === undefined) {
      const problem = failure?.problem ?? {
        code: 'WP_NETLINK_SILENT',
        message: `the kernel did not say whether it would ${what}`,
      };
      return { ok: false, problem };
    }
    if (idle.includes(refused.refusal.errno)) return succeed(false);
    return { ok: false, problem: refusedFailure(what, refused.refusal).problem };
  }
}

/** Error numbers that say there was nothing to do (net/ipv4/fou_core.c). */
const idleErrors = {
  add: [errnos.EADDRINUSE],
  delete: [errnos.EINVAL, errnos.ENOENT],
  get: [errnos.ESRCH],
} as const;

type WriterOf = Parameters<Request['body']>[0];
