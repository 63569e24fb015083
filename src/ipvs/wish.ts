import type { ServiceKey, SideEntry } from '../model/mod.ts';
import type { Plan, ServerWish } from './plan-types.ts';
import type { RouteWish } from './routes.ts';

/** Kernel objects to look at again, each with the Service it is looked at for. */
export class Touched {
  readonly servers = new Map<string, ServiceKey>();
  readonly entries = new Map<string, ServiceKey>();
  readonly routes = new Map<string, ServiceKey>();

  addPlan(plan: Plan): void {
    for (const text of plan.servers.keys()) this.servers.set(text, plan.service);
    for (const key of plan.entries.keys()) this.entries.set(key, plan.service);
    for (const key of plan.routes.keys()) this.routes.set(key, plan.service);
  }

  addAll(other: Touched): void {
    for (const [text, service] of other.servers) this.servers.set(text, service);
    for (const [key, service] of other.entries) this.entries.set(key, service);
    for (const [key, service] of other.routes) this.routes.set(key, service);
  }

  /** Those that are looked at for one of the Services. */
  only(services: { has(service: ServiceKey): boolean }): Touched {
    const picked = new Touched();
    for (const [text, service] of this.servers) if (services.has(service)) picked.servers.set(text, service);
    for (const [key, service] of this.entries) if (services.has(service)) picked.entries.set(key, service);
    for (const [key, service] of this.routes) if (services.has(service)) picked.routes.set(key, service);
    return picked;
  }

  get size(): number {
    return this.servers.size + this.entries.size + this.routes.size;
  }
}

/** A value that several plans may ask for, in the same words except for {@link stricter} ones, and how many do. */
interface Shared<T> {
  value: T;
  claims: number;
}

/** What is to be in the kernel: the sum of all plans. */
export class Wish {
  readonly #plans = new Map<string, Plan>();
  readonly #servers = new Map<string, ServerWish>();
  readonly #entries = new Map<string, Shared<SideEntry>>();
  readonly #routes = new Map<string, Shared<RouteWish>>();

  planOf(id: string): Plan | undefined {
    return this.#plans.get(id);
  }

  server(text: string): ServerWish | null {
    return this.#servers.get(text) ?? null;
  }

  entry(key: string): SideEntry | null {
    return this.#entries.get(key)?.value ?? null;
  }

  route(key: string): RouteWish | null {
    return this.#routes.get(key)?.value ?? null;
  }

  plans(): Iterable<Plan> {
    return this.#plans.values();
  }

  /** Drops the plan of that name; what it asked for is touched. */
  remove(id: string, touched: Touched): void {
    const old = this.#plans.get(id);
    if (old === undefined) return;
    touched.addPlan(old);
    this.#plans.delete(id);
    for (const [text, server] of old.servers) if (this.#servers.get(text) === server) this.#servers.delete(text);
    for (const key of old.entries.keys()) release(this.#entries, key);
    for (const key of old.routes.keys()) release(this.#routes, key);
    for (const [key, { kind }] of old.entries) if (kind === 'clamp') this.#clampAnew(key);
  }

  /** Those that are left may ask for less. Rare: addresses that several Services share. */
  #clampAnew(key: string): void {
    const shared = this.#entries.get(key);
    if (shared === undefined) return;
    const asked = [...this.#plans.values()].flatMap((plan) => plan.entries.get(key) ?? []);
    shared.value = asked.reduce((known, entry) => stricter(entry, known));
  }

  /** Puts a plan in the place of the one of the same name; what either asks for is touched. */
  replace(plan: Plan, touched: Touched): void {
    this.remove(plan.id, touched);
    this.#plans.set(plan.id, plan);
    for (const [text, server] of plan.servers) this.#servers.set(text, server);
    for (const [key, entry] of plan.entries) claim(this.#entries, key, stricter(entry, this.entry(key)));
    for (const [key, route] of plan.routes) claim(this.#routes, key, route);
    touched.addPlan(plan);
  }
}

/** Services at one address may need segments of different sizes: the smallest suits all. */
function stricter(entry: SideEntry, known: SideEntry | null): SideEntry {
  if (entry.kind !== 'clamp' || known?.kind !== 'clamp' || known.size === null) return entry;
  return entry.size === null || known.size < entry.size ? known : entry;
}

function claim<T>(map: Map<string, Shared<T>>, key: string, value: T): void {
  const shared = map.get(key);
  if (shared === undefined) {
    map.set(key, { value, claims: 1 });
    return;
  }
  shared.value = value;
  shared.claims += 1;
}

function release<T>(map: Map<string, Shared<T>>, key: string): void {
  const shared = map.get(key);
  if (shared === undefined) return;
  shared.claims -= 1;
  if (shared.claims === 0) map.delete(key);
}
