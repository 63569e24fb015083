import { setTimeout as sleep } from 'node:timers/promises';
import { succeed } from '../model/mod.ts';
import type { Family, Outcome, Problem } from '../model/mod.ts';
import { linkTypes, readInterface, writeLinkQuery } from './codec-link.ts';
import type { NetworkInterface } from './codec-link.ts';
import {
  neighbourTypes,
  readNeighbour,
  readProxy,
  writeNeighbourQuery,
  writeNeighbourUse,
  writeProxy,
  writeProxyQuery,
} from './codec-neighbour.ts';
import { netlinkProtocol, openWire } from './driver-libc.ts';
import type { RoutePortOptions } from './driver-route.ts';
import { NetlinkSocket } from './driver-socket.ts';
import { errnos } from './errno.ts';
import { listAll } from './list-all.ts';
import { messageFlags } from './message.ts';
import type { Neighbour, NeighbourPort, ProxyNeighbour } from './neighbour-port.ts';
import { refusedFailure } from './problem.ts';
import { mergeProblems } from './route-change.ts';

/** An entry, or the interface that it stood on, has gone already. */
const goneAlready: readonly number[] = [errnos.ENOENT, errnos.ENODEV];

/** Neighbours and proxy entries through netlink (rtnetlink(7)), on one socket that stays open. */
export async function openNeighbourPort(options: RoutePortOptions): Promise<Outcome<NeighbourPort>> {
  const wire = await (options.open ?? (() => openWire(netlinkProtocol.route)))();
  if (!wire.ok) return wire;
  const wait = options.sleep ?? (async (milliseconds) => await sleep(milliseconds));
  return succeed(
    new NetlinkNeighbours(options.family, new NetlinkSocket({ wire: wire.value, pause: options.pause, sleep: wait })),
  );
}

class NetlinkNeighbours implements NeighbourPort {
  readonly family: Family;
  readonly #socket: NetlinkSocket;

  constructor(family: Family, socket: NetlinkSocket) {
    this.family = family;
    this.#socket = socket;
  }

  close(): void {
    this.#socket[Symbol.dispose]();
  }

  listProxies(): Promise<Outcome<readonly ProxyNeighbour[]>> {
    const { family } = this;
    return listAll(this.#socket, {
      request: { type: neighbourTypes.get, body: (writer) => writeProxyQuery(writer, family) },
      what: 'list proxy neighbours',
      type: neighbourTypes.new,
      read: (view, message) => readProxy(view, message, family),
    });
  }

  listNeighbours(): Promise<Outcome<readonly Neighbour[]>> {
    const { family } = this;
    return listAll(this.#socket, {
      request: { type: neighbourTypes.get, body: (writer) => writeNeighbourQuery(writer, family) },
      what: 'list neighbours',
      type: neighbourTypes.new,
      read: (view, message) => readNeighbour(view, message, family),
    });
  }

  async useNeighbours(neighbours: readonly Omit<Neighbour, 'link'>[]): Promise<Outcome<void>> {
    if (neighbours.length === 0) return succeed(undefined);
    const { verdicts, failure } = await this.#socket.submit(
      neighbours.map((neighbour) => ({
        type: neighbourTypes.new,
        flags: messageFlags.create,
        body: (writer) => writeNeighbourUse(writer, this.family, neighbour),
      })),
    );
    if (failure !== null) return { ok: false, problem: failure.problem };
    const refused = verdicts.find((verdict) => verdict.kind === 'refused');
    return refused === undefined
      ? succeed(undefined)
      : { ok: false, problem: refusedFailure('look for neighbours', refused.refusal).problem };
  }

  listInterfaces(): Promise<Outcome<readonly NetworkInterface[]>> {
    return listAll(this.#socket, {
      request: { type: linkTypes.get, body: (writer) => writeLinkQuery(writer, null) },
      what: 'list interfaces',
      type: linkTypes.new,
      read: readInterface,
    });
  }

  async changeProxies(add: readonly ProxyNeighbour[], remove: readonly ProxyNeighbour[]): Promise<Outcome<void>> {
    const commands = [
      ...add.map((proxy) => ({
        proxy,
        type: neighbourTypes.new,
        flags: messageFlags.create,
        verb: 'add',
        idle: [] as readonly number[],
      })),
      ...remove.map((proxy) => ({ proxy, type: neighbourTypes.delete, flags: 0, verb: 'remove', idle: goneAlready })),
    ];
    if (commands.length === 0) return succeed(undefined);
    const { verdicts, failure } = await this.#socket.submit(
      commands.map(({ proxy, type, flags }) => ({ type, flags, body: (writer) => writeProxy(writer, this.family, proxy) })),
    );
    const problems = commands.flatMap(({ proxy, verb, idle }, at): readonly Problem[] => {
      const verdict = verdicts[at];
      const what = `${verb} the proxy neighbour ${proxy.address} of interface ${proxy.index}`;
      if (verdict?.kind === 'done') return [];
      if (verdict?.kind === 'refused') {
        return idle.includes(verdict.refusal.errno) ? [] : [refusedFailure(what, verdict.refusal).problem];
      }
      return [failure?.problem ?? { code: 'WP_NETLINK_SILENT', message: `the kernel did not say whether it would ${what}` }];
    });
    const problem = mergeProblems(problems);
    return problem === null ? succeed(undefined) : { ok: false, problem };
  }
}
