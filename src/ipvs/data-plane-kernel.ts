import { addressBits, sideKey, succeed } from '../model/mod.ts';
import type { Address, Outcome, Problem, RecordEntry, SideEntry, SideReport, SideSettings } from '../model/mod.ts';
import { eachSlowly } from './data-plane-pace.ts';
import { ServerState } from './data-plane-state.ts';
import type { BookedOperation } from './diff-server.ts';
import { Marks } from './marks.ts';
import type { RuleMark } from './marks.ts';
import { Numbers } from './numbers.ts';
import type { IpvsOperation, IpvsReport } from './port.ts';
import type { Plan } from './plan-types.ts';
import { numberOfServer, readRecord, recordEntry, serversOfRecord } from './records.ts';
import type { Remembered } from './records.ts';
import { keyOfRoute, keyOfRule, tablesOfRules } from './routes.ts';
import type { KernelRoute } from './routes.ts';
import type { IpvsOptions } from './settings.ts';
import { destinationKeyText, serverKeyText } from './virtual-server.ts';
import type { ServerKey, VirtualServer } from './virtual-server.ts';
import type { Wish } from './wish.ts';

/** The interface that kube-proxy's IPVS mode binds addresses of Services to. */
const dummyDevice = 'kube-ipvs0';

type KernelPart = 'servers' | 'side' | 'routes';

/**
 * The three ports with a truthful memory of what is behind them: it moves on with what the kernel confirmed, and a part
 * about which an answer left a doubt is stale until it has been read again.
 */
export class Kernel {
  readonly servers: ServerState;
  readonly numbers = new Numbers();
  readonly marks: Marks;
  /** Schedulers that the kernel said it does not have. */
  readonly missingSchedulers = new Set<string>();
  /** Refusals and failures by code, since the start. */
  readonly errors = new Map<Problem['code'], number>();
  readonly #options: IpvsOptions;
  readonly #stale = new Set<KernelPart>(['servers', 'side', 'routes']);
  /** Records of what was there before us, by key. They outlive whatever happens to the packet filter's tables. */
  readonly originals = new Map<string, SideEntry>();
  #entries = new Map<string, SideEntry>();
  #intact = false;
  #settings: SideSettings | null = null;
  #routes = new Map<string, KernelRoute>();
  /** Marks that routing rules of others go by. */
  #ruleMarks: readonly RuleMark[] = [];
  #ownAddresses: ReadonlySet<Address> = new Set();
  #predecessor: ReadonlySet<Address> = new Set();
  #known = false;
  /** Servers that we may have added: the answer was lost. */
  readonly #unsure = new Set<string>();

  constructor(options: IpvsOptions, servers = new ServerState()) {
    this.#options = options;
    this.servers = servers;
    this.marks = new Marks(options.marks);
  }

  /** One that is read in the place of this one, to look and not to change: it knows what is ours, and nothing it reads is remembered here. */
  fork(): Kernel {
    const copy = new Kernel(this.#options, this.servers.fork());
    for (const name of this.missingSchedulers) copy.missingSchedulers.add(name);
    for (const text of this.#unsure) copy.#unsure.add(text);
    copy.#settings = this.#settings;
    copy.#ownAddresses = this.#ownAddresses;
    copy.#known = this.#known;
    return copy;
  }

  get entries(): ReadonlyMap<string, SideEntry> {
    return this.#entries;
  }

  get routes(): ReadonlyMap<string, KernelRoute> {
    return this.#routes;
  }

  /** Addresses of the node's interfaces, those of kube-proxy's dummy left out. */
  get ownAddresses(): ReadonlySet<Address> {
    return this.#ownAddresses;
  }

  get stale(): boolean {
    return this.#stale.size > 0;
  }

  /** Everything has been read once. */
  get known(): boolean {
    return this.#known;
  }

  /** The rules around the entries have to be written again, whatever entries there are. */
  needsSettings(settings: SideSettings): boolean {
    return !this.#intact || this.#settings !== settings;
  }

  /** Takes nothing for granted any more. */
  forget(): void {
    for (const part of ['servers', 'side', 'routes'] as const) this.#stale.add(part);
  }

  /** Reads what is stale. */
  async refresh(): Promise<Outcome<void>> {
    if (this.#stale.has('routes')) {
      const read = await this.#readRoutes();
      if (!read.ok) return this.#note(read);
    }
    if (this.#stale.has('side')) {
      const read = await this.#readSide();
      if (!read.ok) return this.#note(read);
    }
    if (this.#stale.has('servers')) {
      const read = await this.#readServers();
      if (!read.ok) return this.#note(read);
    }
    this.#known = true;
    return succeed(undefined);
  }

  async readAddresses(): Promise<Outcome<void>> {
    const listed = await this.#options.routes.listAddresses();
    if (!listed.ok) return this.#note(listed);
    const [theirs, own] = [listed.value.filter(onDummy), listed.value.filter((one) => !onDummy(one))];
    const next = new Set(own.map(({ address }) => address));
    // The same set for the same addresses, so that a change can be told by identity.
    if (next.symmetricDifference(this.#ownAddresses).size > 0) this.#ownAddresses = next;
    this.#predecessor = new Set(theirs.map(({ address }) => address));
    return succeed(undefined);
  }

  /** One transaction. */
  async changeSide(settings: SideSettings, set: readonly SideEntry[], remove: readonly string[]): Promise<SideReport> {
    const report = await this.#options.side.apply({ settings, set, remove });
    if (report.problem !== null) {
      this.#count(report.problem);
      this.#stale.add('side');
      return report;
    }
    for (const key of remove) this.#dropEntry(key);
    for (const entry of set) this.#entries.set(sideKey(entry), entry);
    this.#keepOriginals(set);
    this.#intact = true;
    this.#settings = settings;
    return report;
  }

  /** Runs operations in their order. The report is the port's, where what was there, or gone, already counts as done. */
  async changeServers(booked: readonly BookedOperation[]): Promise<IpvsReport> {
    const { servers } = this.#options;
    const first = await servers.apply(booked.map(({ operation }) => operation));
    // A destination in a server of ours that is there already is written over (specification 11.5).
    const again = booked.flatMap(({ operation }, at) =>
      operation.verb === 'add-destination' && first.verdicts[at]?.code === 'WP_IPVS_EXISTS'
        ? [{ at, edit: { ...operation, verb: 'edit-destination' } as const }]
        : [],
    );
    const second = again.length === 0 ? null : await servers.apply(again.map(({ edit }) => edit));
    const retried = new Map(again.map(({ at }, index) => [at, second?.verdicts[index] ?? null]));
    const verdicts = booked.map((one, at) => {
      const verdict = retried.has(at) ? (retried.get(at) ?? null) : (first.verdicts[at] ?? null);
      return this.#follow(one, verdict);
    });
    return { verdicts, bytes: first.bytes + (second?.bytes ?? 0), messages: first.messages + (second?.messages ?? 0) };
  }

  async changeRoutes(add: ReadonlyMap<string, KernelRoute>, remove: ReadonlyMap<string, KernelRoute>): Promise<Outcome<void>> {
    const { routes } = this.#options;
    const [addRoutes, addRules] = split(add);
    const [removeRoutes, removeRules] = split(remove);
    const steps = [
      () => (addRoutes.length + removeRoutes.length === 0 ? null : routes.changeRoutes(addRoutes, removeRoutes)),
      () => (addRules.length + removeRules.length === 0 ? null : routes.changeRules(addRules, removeRules)),
    ];
    for (const step of steps) {
      const done = await step();
      if (done?.ok === false) {
        this.#stale.add('routes');
        return this.#note(done);
      }
    }
    for (const key of remove.keys()) this.#routes.delete(key);
    for (const [key, route] of add) this.#routes.set(key, route);
    return succeed(undefined);
  }

  #follow({ operation, drain }: BookedOperation, verdict: Problem | null): Problem | null {
    const gone = operation.verb === 'delete-server' || operation.verb === 'delete-destination';
    const absent = verdict?.code === 'WP_IPVS_NO_SERVER' || verdict?.code === 'WP_IPVS_NO_DESTINATION';
    if (verdict !== null && !(gone && absent)) {
      this.#count(verdict);
      this.#doubt(operation, verdict);
      return verdict;
    }
    switch (operation.verb) {
      case 'add-server':
      case 'edit-server':
        this.#restMark(operation.server.key, operation.server.persistence);
        this.servers.setServer(operation.server);
        break;
      case 'delete-server':
        this.#restMark(operation.key, null);
        this.servers.deleteServer(serverKeyText(operation.key));
        break;
      case 'add-destination':
      case 'edit-destination':
        this.servers.setDestination(serverKeyText(operation.key), operation.destination, drain);
        break;
      case 'delete-destination':
        this.servers.deleteDestination(serverKeyText(operation.key), destinationKeyText(operation.destination));
        break;
    }
    return null;
  }

  /** Clients that a server remembers outlive it, and its persistence. */
  #restMark(key: ServerKey, next: VirtualServer['persistence']): void {
    if (key.kind !== 'mark') return;
    const seconds = this.servers.get(serverKeyText(key))?.server.persistence?.timeoutSeconds ?? 0;
    if (seconds > (next?.timeoutSeconds ?? 0)) this.marks.rest(key.mark, this.#options.clock.now() + seconds * 1000);
  }

  /** What a refusal leaves unknown. */
  #doubt(operation: IpvsOperation, { code }: Problem): void {
    if (code === 'WP_IPVS_NO_SCHEDULER') {
      if ('server' in operation) this.missingSchedulers.add(operation.server.scheduler);
      return;
    }
    if (isClear(code)) return;
    this.#stale.add('servers');
    if (operation.verb === 'add-server' && code !== 'WP_IPVS_EXISTS') this.#unsure.add(serverKeyText(operation.server.key));
  }

  async #readServers(): Promise<Outcome<void>> {
    const listed = await this.#options.servers.list();
    if (!listed.ok) return listed;
    const { excludeCidrs, serviceCidrs, pause } = this.#options;
    // Later on memory says what is ours; a record may then be one of a server that somebody else was quicker to add.
    let lost = !this.#known;
    const recorded = new Set(this.#unsure);
    if (!this.#known) {
      await eachSlowly(this.#entries.values(), pause, (entry) => {
        const record = entry.kind === 'record' ? readRecord(entry.text) : null;
        if (record?.kind === 'server') recorded.add(record.text);
        if (record?.kind === 'mark') for (const text of serversOfRecord(record, this.#options.family)) recorded.add(text);
        lost &&= record === null;
      });
    }
    this.#unsure.clear();
    // A firewall that was reloaded takes the records along; our routes still say which addresses we served.
    const predecessor = lost ? this.#predecessor.union(this.#routedAddresses()) : this.#predecessor;
    const lostMarks = lost && this.#routes.size > 0 ? this.#options.marks : null;
    const evidence = { recorded, excludeCidrs, serviceCidrs, predecessor, lostMarks };
    await this.servers.replace(listed.value, evidence, pause);
    const numbers = listed.value.flatMap(({ key }) => numberOfServer(key) ?? []);
    this.numbers.reserve(new Set(numbers.filter((number) => this.numbers.recordOf('server', number) === null)));
    const foreign = listed.value.flatMap(({ key }) => (key.kind === 'mark' && this.#isForeign(key) ? [key.mark] : []));
    this.marks.reserve(new Set(foreign), this.#ruleMarks);
    this.#stale.delete('servers');
    return succeed(undefined);
  }

  async #readSide(): Promise<Outcome<void>> {
    const read = await this.#options.side.read();
    if (!read.ok) return read;
    const entries = new Map<string, SideEntry>();
    await eachSlowly(read.value.entries, this.#options.pause, ([key, entry]) => {
      entries.set(key, entry);
      const record = entry.kind === 'record' ? readRecord(entry.text) : null;
      if (record?.kind === 'number') this.numbers.adopt(record.of, record.number, record.digest);
      if (record?.kind === 'mark') this.marks.adopt(record.mark, record.digest);
    });
    this.#entries = entries;
    this.#intact = read.value.intact;
    this.#keepOriginals(entries.values());
    this.#stale.delete('side');
    return succeed(undefined);
  }

  async #readRoutes(): Promise<Outcome<void>> {
    const { routes } = this.#options;
    const addresses = await this.readAddresses();
    if (!addresses.ok) return addresses;
    const rules = await routes.listRules();
    if (!rules.ok) return rules;
    const found = new Map<string, KernelRoute>();
    for (const table of tablesOfRules(rules.value, this.#options)) {
      const listed = await routes.listRoutes(table);
      if (!listed.ok) return listed;
      for (const route of listed.value) {
        const key = keyOfRoute(route);
        if (key !== null) found.set(key, { kind: 'route', route });
      }
    }
    const foreign: RuleMark[] = [];
    for (const rule of rules.value) {
      const key = keyOfRule(rule);
      if (key !== null) found.set(key, { kind: 'rule', rule });
      else if (rule.mark !== null && rule.mark.value !== 0) foreign.push(rule.mark);
    }
    this.#ruleMarks = foreign;
    this.#routes = found;
    this.#stale.delete('routes');
    return succeed(undefined);
  }

  /** Addresses that a route of ours makes local, each by itself. */
  #routedAddresses(): ReadonlySet<Address> {
    const routes = [...this.#routes.values()].flatMap((one) => (one.kind === 'route' ? [one.route.destination] : []));
    return new Set(routes.filter(({ family, length }) => length === addressBits(family)).map(({ address }) => address));
  }

  /** Everything that is written down in the packet filter. */
  records(): readonly Remembered[] {
    return [...this.#entries.values()].flatMap((entry) => (entry.kind === 'record' ? (readRecord(entry.text) ?? []) : []));
  }

  #keepOriginals(entries: Iterable<SideEntry>): void {
    for (const entry of entries) {
      if (entry.kind === 'record' && isOriginal(entry)) this.originals.set(sideKey(entry), entry);
    }
  }

  #dropEntry(key: string): void {
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    const record = entry?.kind === 'record' ? readRecord(entry.text) : null;
    if (record?.kind === 'number') this.numbers.release(record.of, record.number);
    if (record?.kind === 'mark') this.marks.release(record.mark, record.digest);
  }

  /** The record that says a server is ours, or null where none does. */
  recordOf(key: ServerKey): RecordEntry | null {
    const number = numberOfServer(key);
    if (number !== null) return this.numbers.recordOf('server', number);
    return key.kind === 'mark' ? this.marks.recordOf(key.mark) : recordEntry({ kind: 'server', text: serverKeyText(key) });
  }

  /** Gives back the marks of a plan that was replaced before the kernel heard of them. */
  forgetUnused(plan: Plan | undefined, wish: Wish): void {
    for (const [key, entry] of plan?.entries ?? []) {
      if (entry.kind !== 'record' || this.#entries.has(key) || wish.entry(key) !== null) continue;
      const record = readRecord(entry.text);
      if (record?.kind === 'mark') this.marks.release(record.mark, record.digest);
    }
  }

  #isForeign(key: ServerKey): boolean {
    return this.servers.get(serverKeyText(key))?.owner === 'foreign';
  }

  #note<T extends { readonly ok: boolean }>(outcome: T & { readonly problem: Problem }): T {
    this.#count(outcome.problem);
    return outcome;
  }

  #count({ code }: Problem): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }
}

/** The kernel understood and refused, and what it holds is what it held. */
export function isClear(code: Problem['code']): boolean {
  return code === 'WP_IPVS_INVALID' || code === 'WP_IPVS_RANGE';
}

function isOriginal({ text }: RecordEntry): boolean {
  return /^[yt] /.test(text);
}

function onDummy({ device }: { readonly device: string }): boolean {
  return device === dummyDevice;
}

function split(
  routes: ReadonlyMap<string, KernelRoute>,
): readonly [Extract<KernelRoute, { kind: 'route' }>['route'][], Extract<KernelRoute, { kind: 'rule' }>['rule'][]] {
  const all = [...routes.values()];
  return [
    all.flatMap((one) => (one.kind === 'route' ? [one.route] : [])),
    all.flatMap((one) => (one.kind === 'rule' ? [one.rule] : [])),
  ];
}
