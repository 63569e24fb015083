import { setTimeout as sleep } from 'node:timers/promises';
import { succeed } from '../model/mod.ts';
import type { Family, Outcome, Pause } from '../model/mod.ts';
import { changeRoutes, changeRules } from './change-routes.ts';
import type { CommandVerdict, RouteHands } from './change-routes.ts';
import { addressTypes, linkTypes, readAddress, readLink, writeAddressQuery, writeLinkQuery } from './codec-link.ts';
import { readRoute, routeTypes, writeRoute, writeRouteQuery } from './codec-route.ts';
import type { KernelRoute } from './codec-route.ts';
import { readRule, ruleTypes, writeRule, writeRuleQuery } from './codec-rule.ts';
import { netlinkProtocol, openWire } from './driver-libc.ts';
import { NetlinkSocket } from './driver-socket.ts';
import type { Request } from './driver-socket.ts';
import { errnos } from './errno.ts';
import { listAll } from './list-all.ts';
import { messageFlags } from './message.ts';
import { refusedFailure } from './problem.ts';
import { missingDevice } from './route-change.ts';
import type { LocalAddress, Route, RoutePort, RoutingRule } from './route-port.ts';
import { renderRoute, renderRule } from './route-text.ts';
import type { Wire } from './wire.ts';

export interface RoutePortOptions {
  readonly family: Family;
  readonly pause: Pause;
  /** Opens a socket; for tests. */
  readonly open?: () => Promise<Outcome<Wire>>;
  /** Waits so many milliseconds; for tests. */
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

/** The metric of a route that was given none: routes with other metrics stand beside it. */
const defaultPriority: Readonly<Record<Family, number>> = { IPv4: 0, IPv6: 1024 };

const addFlags = messageFlags.create | messageFlags.exclusive;

/** Routes, rules and addresses through netlink (rtnetlink(7)), on one socket that stays open. */
export async function openRoutePort(options: RoutePortOptions): Promise<Outcome<RoutePort>> {
  const wire = await (options.open ?? (() => openWire(netlinkProtocol.route)))();
  if (!wire.ok) return wire;
  const wait = options.sleep ?? (async (milliseconds) => await sleep(milliseconds));
  return succeed(new NetlinkRoutes(options.family, new NetlinkSocket({ wire: wire.value, pause: options.pause, sleep: wait })));
}

/** A command, what it is called in an error, and the error numbers that say there was nothing to do. */
interface Command {
  readonly request: Request;
  readonly what: string;
  readonly idle: readonly number[];
}

class NetlinkRoutes implements RoutePort {
  readonly family: Family;
  readonly #socket: NetlinkSocket;

  constructor(family: Family, socket: NetlinkSocket) {
    this.family = family;
    this.#socket = socket;
  }

  close(): void {
    this.#socket[Symbol.dispose]();
  }

  listRoutes(table: number | null): Promise<Outcome<readonly Route[]>> {
    return this.#readRoutes(table, null);
  }

  async #readRoutes(table: number | null, priority: number | null): Promise<Outcome<readonly Route[]>> {
    const { family } = this;
    const listed = await listAll(this.#socket, {
      request: { type: routeTypes.get, body: (writer) => writeRouteQuery(writer, family, table) },
      what: 'list routes',
      type: routeTypes.new,
      read: (view, message) => readRoute(view, message, family),
    });
    if (!listed.ok) return listed;
    const names = await this.#listLinks();
    if (!names.ok) return names;
    // Kernels before 4.20 do not filter.
    const wanted = listed.value.filter(
      (route) => (table === null || route.table === table) && (priority === null || route.priority === priority),
    );
    return succeed(wanted.map((route) => nameRoute(route, names.value)));
  }

  changeRoutes(add: readonly Route[], remove: readonly Route[]): Promise<Outcome<void>> {
    return changeRoutes(this.#hands, add, remove);
  }

  async listRules(): Promise<Outcome<readonly RoutingRule[]>> {
    const { family } = this;
    return await listAll(this.#socket, {
      request: { type: ruleTypes.get, body: (writer) => writeRuleQuery(writer, family) },
      what: 'list routing rules',
      type: ruleTypes.new,
      read: (view, message) => readRule(view, message, family),
    });
  }

  changeRules(add: readonly RoutingRule[], remove: readonly RoutingRule[]): Promise<Outcome<void>> {
    return changeRules(this.#hands, add, remove);
  }

  async listAddresses(): Promise<Outcome<readonly LocalAddress[]>> {
    const { family } = this;
    const listed = await listAll(this.#socket, {
      request: { type: addressTypes.get, body: (writer) => writeAddressQuery(writer, family) },
      what: 'list addresses',
      type: addressTypes.new,
      read: (view, message) => readAddress(view, message, family),
    });
    if (!listed.ok) return listed;
    const names = await this.#listLinks();
    if (!names.ok) return names;
    return succeed(listed.value.map(({ index, ...rest }) => ({ ...rest, device: nameOf(index, names.value) })));
  }

  async #listLinks(): Promise<Outcome<ReadonlyMap<number, string>>> {
    const links = await listAll(this.#socket, {
      request: { type: linkTypes.get, body: (writer) => writeLinkQuery(writer, null) },
      what: 'list interfaces',
      type: linkTypes.new,
      read: readLink,
    });
    return links.ok ? succeed(new Map(links.value.map(({ index, name }) => [index, name]))) : links;
  }

  /** The numbers of those interfaces that there are. */
  async #findDevices(routes: readonly Route[]): Promise<Outcome<ReadonlyMap<string, number>>> {
    const indexes = new Map<string, number>();
    for (const name of new Set(routes.flatMap(({ device }) => device ?? []))) {
      const request = { type: linkTypes.get, body: (writer: WriterOf) => writeLinkQuery(writer, name) };
      const result = await this.#socket.ask(request, `find the interface ${name}`, (view, message) => {
        const link = readLink(view, message);
        if (link !== null) indexes.set(name, link.index);
      });
      if (!result.ok && result.failure.errno !== errnos.ENODEV) return { ok: false, problem: result.failure.problem };
    }
    return succeed(indexes);
  }

  readonly #hands: RouteHands = {
    addRoutes: (routes, mode) => this.#sendRoutes(routes, mode),
    deleteRoutes: (routes) => this.#sendRoutes(routes, 'delete'),
    readPresent: (table) => this.#readRoutes(table, defaultPriority[this.family]),
    addRules: (rules) => this.#run(rules.map((rule) => this.#ruleCommand(rule, 'add'))),
    deleteRules: (rules) => this.#run(rules.map((rule) => this.#ruleCommand(rule, 'delete'))),
  };

  async #sendRoutes(routes: readonly Route[], mode: 'new' | 'replace' | 'delete'): Promise<readonly CommandVerdict[]> {
    const indexes = await this.#findDevices(routes);
    if (!indexes.ok) return routes.map(() => indexes.problem);
    const numbered = routes.map((route) => numberRoute(route, indexes.value));
    const sent = numbered.flatMap((each, at) => (each === null ? [] : { each, route: routes[at] as Route }));
    const verdicts = await this.#run(sent.map(({ each, route }) => this.#routeCommand(route, each, mode)));
    let next = 0;
    return routes.map((route, at) => {
      // The routes of an interface that is gone have gone with it.
      if (numbered[at] === null) return mode === 'delete' ? 'idle' : missingDevice(route);
      next += 1;
      return verdicts[next - 1] ?? 'done';
    });
  }

  async #run(commands: readonly Command[]): Promise<readonly CommandVerdict[]> {
    if (commands.length === 0) return [];
    const { verdicts, failure } = await this.#socket.submit(commands.map(({ request }) => request));
    return commands.map(({ what, idle }, index) => {
      const verdict = verdicts[index];
      if (verdict?.kind === 'done') return 'done';
      if (verdict?.kind === 'refused')
        return idle.includes(verdict.refusal.errno) ? 'idle' : refusedFailure(what, verdict.refusal).problem;
      return failure?.problem ?? { code: 'WP_NETLINK_SILENT', message: `the kernel did not say whether it would ${what}` };
    });
  }

  #routeCommand(route: Route, numbered: KernelRoute, mode: 'new' | 'replace' | 'delete'): Command {
    const { family } = this;
    const { type, flags, verb, idle } = routeModes[mode];
    const request = { type, flags, body: (writer: WriterOf) => writeRoute(writer, family, numbered, verb) };
    return { request, what: `${verb} the route ${renderRoute(route)}`, idle };
  }

  #ruleCommand(rule: RoutingRule, verb: 'add' | 'delete'): Command {
    const { family } = this;
    const [type, flags, idle] =
      verb === 'add' ? [ruleTypes.new, addFlags, [errnos.EEXIST]] : [ruleTypes.delete, 0, [errnos.ENOENT]];
    const request = { type, flags, body: (writer: WriterOf) => writeRule(writer, family, rule) };
    return { request, what: `${verb} the routing rule ${renderRule(rule)}`, idle };
  }
}

const routeModes = {
  new: { type: routeTypes.new, flags: addFlags, verb: 'add', idle: [errnos.EEXIST] },
  replace: { type: routeTypes.new, flags: messageFlags.create | messageFlags.replace, verb: 'add', idle: [] },
  delete: { type: routeTypes.delete, flags: 0, verb: 'delete', idle: [errnos.ESRCH, errnos.ENODEV] },
} as const satisfies Readonly<Record<string, unknown>>;

type WriterOf = Parameters<Request['body']>[0];

function nameOf(index: number, names: ReadonlyMap<number, string>): string {
  // An interface that came or went between two questions.
  return names.get(index) ?? `if${index}`;
}

function nameRoute(route: KernelRoute, names: ReadonlyMap<number, string>): Route {
  const { destination, table, type, index, source, gateway, protocol } = route;
  return { destination, table, type, device: index === null ? null : nameOf(index, names), source, gateway, protocol };
}

/** With the number of its interface, or null where there is no such interface. */
function numberRoute({ device, ...route }: Route, indexes: ReadonlyMap<string, number>): KernelRoute | null {
  if (device === null) return { ...route, index: null, priority: 0 };
  const index = indexes.get(device);
  return index === undefined ? null : { ...route, index, priority: 0 };
}
