import { compareText } from '../model/mod.ts';
import type { Address, ServiceKey } from '../model/mod.ts';
import { emptyPlan, sharedText } from './plane-plan.ts';
import type { DestinationWish, ServicePlan, SharedElement } from './plane-plan.ts';
import type { PlaneState } from './plane-state.ts';
import type { Statement } from './expression.ts';

/** What a change may have made different, by the texts and names under which it is remembered. */
export interface Touched {
  readonly destinations: Set<string>;
  readonly shared: Set<string>;
  readonly chains: Set<string>;
  readonly clients: Set<string>;
}

export function touchNothing(): Touched {
  return { destinations: new Set(), shared: new Set(), chains: new Set(), clients: new Set() };
}

/** An index of 0 is drawn by one connection in n. */
const zero: SharedElement = { set: 'zero', element: { key: [0] } };

/**
 * What the table should hold, kept up to date Service by Service: a change costs what it touches, and equal sets of plans give
 * equal wishes whatever their history.
 */
export class PlaneWish {
  readonly #plans = new Map<ServiceKey, ServicePlan>();
  /** Whoever asks for a destination; the first one has it. */
  readonly #claims = new Map<string, readonly DestinationWish[]>();
  readonly #shared = new Map<string, { readonly one: SharedElement; readonly users: number }>();
  readonly #chains = new Map<string, readonly (readonly Statement[])[]>();
  readonly #clients = new Set<string>();
  /** Every element of the base that was ever wished. */
  readonly #everBase = touchNothing();
  #base: ReadonlyMap<string, SharedElement> = new Map();

  get services(): Iterable<ServiceKey> {
    return this.#plans.keys();
  }

  planOf(service: ServiceKey): ServicePlan | undefined {
    return this.#plans.get(service);
  }

  destination(text: string): DestinationWish | undefined {
    return this.#claims.get(text)?.[0];
  }

  shared(text: string): SharedElement | undefined {
    return this.#shared.get(text)?.one;
  }

  chain(name: string): readonly (readonly Statement[])[] | undefined {
    return this.#chains.get(name);
  }

  hasClients(set: string): boolean {
    return this.#clients.has(set);
  }

  /** Puts a plan in the place of the one that the Service had, and says what that touches. */
  replace(plan: ServicePlan, touched: Touched): void {
    const before = this.#plans.get(plan.service) ?? emptyPlan(plan.service);
    if (before === plan) return;
    for (const wish of before.destinations) this.#claim(wish.text, wish, null);
    for (const wish of plan.destinations) this.#claim(wish.text, null, wish);
    for (const one of [before, plan]) for (const { text } of one.destinations) touched.destinations.add(text);
    for (const one of before.shared) this.#share(one, -1, touched);
    for (const one of plan.shared) this.#share(one, 1, touched);
    this.#replaceRules(before, plan, touched);
    if (plan.destinations.length === 0) this.#plans.delete(plan.service);
    else this.#plans.set(plan.service, plan);
  }

  /** What is there whatever the Services are: the addresses that node ports are limited to, and what chances are drawn by. */
  setBase(nodePortAddresses: readonly Address[]): void {
    const addresses = nodePortAddresses.map((address): SharedElement => ({
      set: 'node_port_addresses',
      element: { key: [address] },
    }));
    const wanted = new Map([zero, ...addresses].map((one) => [sharedText(one), one]));
    for (const [text, one] of this.#base) if (!wanted.has(text)) this.#share(one, -1, this.#everBase);
    for (const [text, one] of wanted) if (!this.#base.has(text)) this.#share(one, 1, this.#everBase);
    this.#base = wanted;
  }

  /** What {@link setBase} asked for, now or ever. */
  touchBase(touched: Touched): void {
    for (const text of [...this.#everBase.shared, ...this.#base.keys()]) touched.shared.add(text);
  }

  /** Everything that is wished. */
  touchAll(touched: Touched): void {
    for (const text of this.#claims.keys()) touched.destinations.add(text);
    for (const text of this.#shared.keys()) touched.shared.add(text);
    this.touchRules(touched);
  }

  /** Everything that is there and not wished. */
  touchLeftovers({ layouts, shared, chains, clients }: PlaneState, touched: Touched): void {
    for (const text of layouts.keys()) if (!this.#claims.has(text)) touched.destinations.add(text);
    for (const text of shared.keys()) if (!this.#shared.has(text)) touched.shared.add(text);
    for (const name of chains.keys()) if (!this.#chains.has(name)) touched.chains.add(name);
    for (const name of clients) if (!this.#clients.has(name)) touched.clients.add(name);
  }

  /** All chains of affinity and their sets. */
  touchRules(touched: Touched): void {
    for (const name of this.#chains.keys()) touched.chains.add(name);
    for (const name of this.#clients) touched.clients.add(name);
  }

  #claim(text: string, before: DestinationWish | null, after: DestinationWish | null): void {
    const others = (this.#claims.get(text) ?? []).filter((claim) => claim !== before);
    const claims = after === null ? others : [...others, after];
    if (claims.length > 1) claims.sort((a, b) => compareText(a.precedence, b.precedence));
    if (claims.length === 0) this.#claims.delete(text);
    else this.#claims.set(text, claims);
  }

  #share(one: SharedElement, step: 1 | -1, touched: Touched): void {
    const text = sharedText(one);
    const users = (this.#shared.get(text)?.users ?? 0) + step;
    if (users === 0) this.#shared.delete(text);
    else this.#shared.set(text, { one, users });
    touched.shared.add(text);
  }

  /** Pools are of one service port, so nobody else has these chains and sets. */
  #replaceRules(before: ServicePlan, after: ServicePlan, touched: Touched): void {
    for (const name of before.chains.keys()) this.#chains.delete(name);
    for (const [name, rules] of after.chains) this.#chains.set(name, rules);
    for (const name of before.clients) this.#clients.delete(name);
    for (const name of after.clients) this.#clients.add(name);
    for (const { chains, clients } of [before, after]) {
      for (const name of chains.keys()) touched.chains.add(name);
      for (const name of clients) touched.clients.add(name);
    }
  }
}
