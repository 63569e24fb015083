import type { DnsChoices, EffectiveConfig } from '../config/mod.ts';
import { Resolver, loadSettings, makeLoopName, needsOf, parseName, startThread, watchSettings } from '../dns/mod.ts';
import type { DataNeeds, DnsSettings, LoadOptions } from '../dns/mod.ts';
import { succeed } from '../model/mod.ts';
import type { Address, Clock, Dirty, Family, Outcome, Pause, Problem, Snapshot } from '../model/mod.ts';
import { holdLibc } from '../netlink/mod.ts';
import type { OwnGenerations } from '../nftables/mod.ts';
import { Registry } from '../observe/mod.ts';
import type { HttpListener, Logger } from '../observe/mod.ts';
import { planDns } from './dns-facts.ts';
import type { DnsPlan } from './dns-facts.ts';
import { DnsHealthMetrics, makeDnsPages } from './dns-pages.ts';
import { openInterception } from './dns-intercept.ts';
import type { Interception } from './dns-intercept.ts';
import { addDnsMetrics } from './dns-metrics.ts';
import { askResolver } from './dns-question.ts';
import type { LookupAnswer } from './dns-question.ts';
import { randomInt } from 'node:crypto';
import { readVersion } from './version.ts';

export interface DnsOptions {
  readonly config: EffectiveConfig;
  readonly choices: DnsChoices;
  readonly nodeName: string;
  readonly families: readonly Family[];
  readonly clock: Clock;
  readonly pause: Pause;
  /** Shared with the data planes. */
  readonly generations: OwnGenerations;
  readonly logger: Logger;
  readonly report: (problem: Problem) => void;
  /** Of all interfaces, at the moment. */
  readonly localAddresses: () => readonly Address[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What takes questions of the node to the resolver; absent: the kernel's. */
  readonly intercept?: typeof openInterception;
}

/** A running resolver, as far as the rest of the agent and the commands see it. */
export interface DnsHandle {
  /** What it needs of the cluster. */
  readonly needs: DataNeeds;
  /** Counts what only it is asked to show. */
  readonly registry: Registry;
  /** A commit of the source. */
  take(snapshot: Snapshot, dirty: Dirty): void;
  /** How long it goes on answering once it is to stop. */
  readonly lameDuckMs: number;
  /** Whether questions are answered and the cluster is known. */
  readonly ready: boolean;
  lookup(query: URLSearchParams): Promise<LookupAnswer>;
  logQueries(on: boolean): void;
  /** Lets go of questions, goes on answering for a while, and ends. */
  stop(): Promise<void>;
}

/** Starts the resolver. Fails where its configuration cannot be used at all. */
export async function startDns(options: DnsOptions): Promise<Outcome<DnsHandle>> {
  const { choices, report } = options;
  const own = [...choices.addresses];
  const load: LoadOptions = {
    path: choices.config,
    clusterDomain: domainOf(choices),
    upstreamFile: choices.resolvConf,
    own,
    env: options.env,
  };
  const reading = loadSettings(load);
  for (const warning of reading.warnings) report(warning);
  if (!reading.ok) {
    const [first] = reading.problems;
    for (const problem of reading.problems.slice(1)) report(problem);
    if (first !== undefined) return { ok: false, problem: first };
    throw new TypeError('a configuration that cannot be used has a problem');
  }
  const service = new DnsService(options, load, own, reading.settings);
  await service.start();
  return succeed(service);
}

function domainOf({ clusterDomain }: DnsChoices): string {
  const name = parseName(`${clusterDomain}.`);
  if (name === null) throw new TypeError(`not validated: ${clusterDomain}`);
  return name;
}

/** What became of addresses, routes and interfaces of the node is looked at so often (specification 16.2). */
const checkMs = 60_000;

const noClients: Problem = {
  code: 'WP_DNS_NO_CLIENTS',
  message: 'DNS answers only this node: set clusterCIDR, or dns.clients, so that pods are known by their addresses',
};

class DnsService implements DnsHandle {
  readonly registry = new Registry();
  readonly #options: DnsOptions;
  readonly #load: LoadOptions;
  /** Addresses that are never upstreams; grows with what is answered for. */
  readonly #own: Address[];
  readonly #resolver: Resolver;
  readonly #health = new DnsHealthMetrics(this.registry);
  readonly #loopName: string;
  #settings: DnsSettings;
  #plan: DnsPlan;
  #snapshot: Snapshot | null = null;
  #interception: Interception | null = null;
  #pages: readonly HttpListener[] = [];
  #endWatch: () => void = () => {};
  #endCheck: () => void = () => {};
  #routed: Promise<void> = Promise.resolve();
  #listed = false;
  #stopping = false;

  constructor(options: DnsOptions, load: LoadOptions, own: Address[], settings: DnsSettings) {
    const { choices, clock, nodeName, report, logger } = options;
    this.#options = options;
    this.#load = load;
    this.#own = own;
    this.#settings = settings;
    this.#loopName = makeLoopName((limit) => randomInt(limit));
    this.#plan = this.#makePlan(null);
    this.#resolver = new Resolver({
      settings,
      facts: this.#plan.facts,
      listen: [],
      threads: choices.threads,
      udp: choices.udp,
      nodeName,
      clock,
      startThread,
      report,
      log: (line) => logger.info(line),
      changed: () => this.#intercept(),
      observePing: (seconds) => this.#health.pinged(seconds),
      observeProgramming: (kind, seconds) => this.#health.programmed(kind, seconds),
    });
    addDnsMetrics(this.registry, readVersion(), () => this.#resolver.count());
  }

  get needs(): DataNeeds {
    return needsOf(this.#settings);
  }

  get lameDuckMs(): number {
    return this.#settings.health?.lameDuckMs ?? 0;
  }

  get ready(): boolean {
    const { synced, listening, alive, looped } = this.#resolver.state;
    return synced && listening && alive && !looped && !this.#stopping;
  }

  async start(): Promise<void> {
    const { choices, families, pause, generations, clock, report, intercept = openInterception } = this.#options;
    // Before any thread is started. What is out of reach is told by the threads, which do without.
    await holdLibc();
    this.#interception = await intercept({ families, pause, generations, clock, report });
    this.#resolver.start();
    this.#follow(this.#plan);
    this.#pages = await makeDnsPages({
      settings: this.#settings,
      registry: this.registry,
      ready: () => this.ready,
      alive: () => this.#resolver.state.alive,
      clock,
      report,
    });
    this.#endWatch = watchSettings(
      {
        ...this.#load,
        clock,
        random: Math.random,
        onSettings: (settings, warnings) => this.#settle(settings, warnings),
        onProblems: (problems) => this.#refuse(problems),
      },
      this.#settings,
    );
    this.#check();
    this.#options.logger.info('cluster DNS', {
      addresses: choices.addresses.join(','),
      service: choices.service ?? 'none',
      threads: choices.threads,
    });
  }

  take(snapshot: Snapshot, dirty: Dirty): void {
    const { service } = this.#options.choices;
    const first = this.#snapshot === null;
    this.#snapshot = snapshot;
    this.#resolver.update(snapshot, dirty);
    if (snapshot.listed && !this.#listed) {
      this.#listed = true;
      this.#replan();
      if (this.#plan.podsUnknown) this.#options.report(noClients);
      return;
    }
    if (first || dirty.node || (service !== null && dirty.services.has(service))) this.#replan();
  }

  lookup(query: URLSearchParams): Promise<LookupAnswer> {
    return askResolver(this.#resolver, query);
  }

  logQueries(on: boolean): void {
    this.#resolver.logQueries(on);
  }

  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#endWatch();
    this.#endCheck();
    await this.#interception?.release();
    // Where the agent's start failed nobody was told to ask here.
    if (this.lameDuckMs > 0 && this.#snapshot !== null)
      await new Promise<void>((resolve) => this.#options.clock.after(this.lameDuckMs, resolve));
    await this.#resolver.close();
    await Promise.all([this.#interception?.close(), ...this.#pages.map((page) => page.close())]);
  }

  #makePlan(snapshot: Snapshot | null): DnsPlan {
    const { config, choices, families, localAddresses } = this.#options;
    const { blocks } = this.#settings;
    return planDns(snapshot, {
      config,
      choices,
      families,
      localAddresses: localAddresses(),
      loopName: this.#loopName,
      ports: [...new Set(blocks.map(({ port }) => port))],
      bound: [...new Set(blocks.flatMap(({ bind }) => bind))],
    });
  }

  #replan(): void {
    const plan = this.#makePlan(this.#snapshot);
    const before = this.#plan;
    if (JSON.stringify(plan) === JSON.stringify(before)) return;
    this.#plan = plan;
    if (JSON.stringify(plan.facts) !== JSON.stringify(before.facts)) this.#resolver.settle(this.#settings, plan.facts);
    this.#follow(plan);
    this.#learnOwn(plan);
  }

  /** Routes that somebody removed come back; addresses that the node got may ask. */
  #check(): void {
    this.#endCheck = this.#options.clock.after(checkMs, () => {
      this.#replan();
      this.#routed = this.#routed.then(() => this.#route(this.#plan));
      this.#check();
    });
  }

  /** Addresses first have to be local, then they can be listened on, then questions are taken to them. */
  #follow(plan: DnsPlan): void {
    const before = this.#routed;
    const follow = async (): Promise<void> => {
      await before;
      await this.#route(plan);
      if (plan === this.#plan) this.#resolver.listen(plan.listen);
      this.#intercept();
    };
    this.#routed = follow();
  }

  async #route({ listen, sources }: DnsPlan): Promise<void> {
    const addresses = [...new Set(listen.map(({ address }) => address))];
    await this.#interception?.route(addresses, sources);
  }

  /** An upstream that turned out to be ourselves is left out from now on. */
  #learnOwn(plan: DnsPlan): void {
    const added = plan.listen.map(({ address }) => address).filter((address) => !this.#own.includes(address));
    if (added.length === 0) return;
    this.#own.push(...added);
    const reading = loadSettings(this.#load);
    if (!reading.ok) this.#refuse(reading.problems);
    else if (JSON.stringify(reading.settings) !== JSON.stringify(this.#settings))
      this.#settle(reading.settings, reading.warnings);
  }

  #intercept(): void {
    this.#interception?.want(this.ready ? this.#plan.intercept : null);
  }

  #settle(settings: DnsSettings, warnings: readonly Problem[]): void {
    const { logger, report } = this.#options;
    for (const warning of warnings) report(warning);
    if (needsOf(settings).pods !== this.needs.pods || needsOf(settings).labels !== this.needs.labels) {
      report({
        code: 'WP_DNS_RESTART_NEEDED',
        message:
          'the new DNS configuration needs objects of the cluster that are not watched yet; restart the agent for it to count',
      });
      return;
    }
    this.#settings = settings;
    this.#plan = this.#makePlan(this.#snapshot);
    this.#resolver.settle(settings, this.#plan.facts);
    this.#follow(this.#plan);
    logger.info('the DNS configuration was read again and holds');
  }

  #refuse(problems: readonly Problem[]): void {
    this.#health.reloadFailed();
    for (const problem of problems) this.#options.report(problem);
    this.#options.report({
      code: 'WP_DNS_RELOAD',
      message: 'the DNS configuration cannot be used; the one before it stays in force',
    });
  }
}
