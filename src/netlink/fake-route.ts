import { addressBits, prefixContains, parsePrefix, succeed } from '../model/mod.ts';
import type { Address, Family, Outcome, Problem } from '../model/mod.ts';
import { changeRoutes, changeRules } from './change-routes.ts';
import type { CommandVerdict, RouteHands } from './change-routes.ts';
import { refusedFailure } from './problem.ts';
import { missingDevice, placeOf } from './route-change.ts';
import type { LocalAddress, Route, RoutePort, RoutingRule } from './route-port.ts';
import { renderRoute, renderRule } from './route-text.ts';

/** Routes, rules and addresses in memory that treat changes as the kernel does. Interfaces are always up. */
export interface FakeRoutes extends RoutePort {
  addDevice(name: string): void;
  /** Its addresses and routes go with it. */
  removeDevice(name: string): void;
  addAddress(address: LocalAddress): void;
  /** Routes that had it as their source go (IPv4, main table) or go on without one (IPv6). */
  removeAddress(address: Address): void;
  /** While set, every call meets it. */
  problem: Problem | null;
}

const einval = 22;
const localTable = 255;
const mainTable = 254;

/** What a new network namespace has: a loopback interface and the rules that lead to the usual tables. */
export function createFakeRoutes(family: Family): FakeRoutes {
  return new MemoryRoutes(family);
}

class MemoryRoutes implements FakeRoutes {
  readonly family: Family;
  problem: Problem | null = null;
  readonly #devices = new Set(['lo']);
  #addresses: readonly LocalAddress[];
  /** By `placeOf`. */
  readonly #routes = new Map<string, Route>();
  #rules: readonly RoutingRule[];

  constructor(family: Family) {
    this.family = family;
    const loopback = (family === 'IPv4' ? '127.0.0.1' : '::1') as Address;
    this.#addresses = [{ address: loopback, device: 'lo', length: family === 'IPv4' ? 8 : 128, scope: 254 }];
    const lookup = (priority: number, table: number): RoutingRule => ({
      priority,
      mark: null,
      table,
      protocol: 2,
      further: false,
    });
    this.#rules = [lookup(0, localTable), lookup(32_766, mainTable), ...(family === 'IPv4' ? [lookup(32_767, 253)] : [])];
  }

  close(): void {}

  addDevice(name: string): void {
    this.#devices.add(name);
  }

  removeDevice(name: string): void {
    this.#devices.delete(name);
    for (const { address, device } of this.#addresses) if (device === name) this.removeAddress(address);
    for (const [place, { device }] of this.#routes) if (device === name) this.#routes.delete(place);
  }

  addAddress(address: LocalAddress): void {
    this.#addresses = [...this.#addresses, address];
  }

  removeAddress(address: Address): void {
    this.#addresses = this.#addresses.filter((each) => each.address !== address);
    for (const [place, route] of this.#routes) {
      if (route.source !== address) continue;
      if (this.family === 'IPv6') this.#routes.set(place, { ...route, source: null });
      else if (route.table === mainTable) this.#routes.delete(place);
    }
  }

  async listRoutes(table: number | null): Promise<Outcome<readonly Route[]>> {
    return this.#say([...this.#routes.values()].filter((route) => table === null || route.table === table));
  }

  async listRules(): Promise<Outcome<readonly RoutingRule[]>> {
    return this.#say(this.#rules);
  }

  async listAddresses(): Promise<Outcome<readonly LocalAddress[]>> {
    return this.#say(this.#addresses);
  }

  async changeRoutes(add: readonly Route[], remove: readonly Route[]): Promise<Outcome<void>> {
    return this.problem === null ? await changeRoutes(this.#hands, add, remove) : { ok: false, problem: this.problem };
  }

  async changeRules(add: readonly RoutingRule[], remove: readonly RoutingRule[]): Promise<Outcome<void>> {
    return this.problem === null ? await changeRules(this.#hands, add, remove) : { ok: false, problem: this.problem };
  }

  readonly #hands: RouteHands = {
    addRoutes: async (routes, mode) => routes.map((route) => this.#addRoute(route, mode)),
    deleteRoutes: async (routes) => routes.map((route) => this.#deleteRoute(route)),
    readPresent: (table) => this.listRoutes(table),
    addRules: async (rules) => rules.map((rule) => this.#addRule(rule)),
    deleteRules: async (rules) => rules.map((rule) => this.#deleteRule(rule)),
  };

  #say<T>(value: T): Outcome<T> {
    return this.problem === null ? succeed(value) : { ok: false, problem: this.problem };
  }

  #addRoute(route: Route, mode: 'new' | 'replace'): CommandVerdict {
    const { device, source, gateway } = route;
    if (device !== null && !this.#devices.has(device)) return missingDevice(route);
    const refuse = (text: string): Problem =>
      refusedFailure(`add the route ${renderRoute(route)}`, { errno: einval, text, offset: null, missing: null }).problem;
    if (source !== null && !this.#isLocal(source, route)) return refuse('Invalid source address');
    if (gateway !== null && !this.#isOnLink(gateway)) return refuse('Nexthop has invalid gateway');
    if (this.#routes.has(placeOf(route)) && mode === 'new') return 'idle';
    this.#routes.set(placeOf(route), route);
    return 'done';
  }

  /** IPv4 lets a local route name its own destination. */
  #isLocal(source: Address, { type, destination }: Route): boolean {
    if (this.#addresses.some(({ address }) => address === source)) return true;
    const own = destination.address === source && destination.length === addressBits(this.family);
    return this.family === 'IPv4' && type === 'local' && own;
  }

  #isOnLink(gateway: Address): boolean {
    return this.#addresses.some(({ address, length }) => {
      const network = parsePrefix(`${address}/${length}`);
      return network !== null && prefixContains(network, gateway);
    });
  }

  #deleteRoute(route: Route): CommandVerdict {
    const found = this.#routes.get(placeOf(route));
    if (found === undefined || renderRoute({ ...found, source: null }) !== renderRoute({ ...route, source: null })) return 'idle';
    this.#routes.delete(placeOf(route));
    return 'done';
  }

  #addRule(rule: RoutingRule): CommandVerdict {
    if (this.#rules.some((each) => renderRule(each) === renderRule(rule))) return 'idle';
    // Behind those of the same priority, as the kernel does.
    const at = this.#rules.findIndex(({ priority }) => priority > rule.priority);
    this.#rules = this.#rules.toSpliced(at < 0 ? this.#rules.length : at, 0, rule);
    return 'done';
  }

  #deleteRule(rule: RoutingRule): CommandVerdict {
    const at = this.#rules.findIndex((each) => renderRule(each) === renderRule(rule));
    if (at < 0) return 'idle';
    this.#rules = this.#rules.toSpliced(at, 1);
    return 'done';
  }
}
