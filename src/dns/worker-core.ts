import type { Clock, Prefix } from '../model/mod.ts';
import { compileAcl } from './acl.ts';
import { createRateLimiter } from './acl-rate-limit.ts';
import { listCandidates } from './autopath.ts';
import { createBlockCache } from './block-cache.ts';
import type { CountedCache } from './block-cache.ts';
import { recordType } from './constants.ts';
import type { WatchedHosts } from './driver-hosts.ts';
import type { Forwarder, ForwardResult } from './forward-contract.ts';
import { createLoopDetector } from './forward-loop.ts';
import type { LoopDetector } from './forward-loop.ts';
import { isWithin, lowerName, rootName } from './name.ts';
import { compileRewrite } from './rewrite.ts';
import { Server } from './server.ts';
import type { ServerOptions } from './server.ts';
import type { BlockParts, ForwardPart } from './server-parts.ts';
import type { AclRule, DnsSettings, ForwardRule, HostsSettings, KubernetesSettings, ServerBlock } from './settings.ts';
import { compileTemplates } from './template.ts';
import type { NodeFacts } from './worker-messages.ts';
import type { Zone } from './zone-contract.ts';
import type { ZoneChange } from './zone-input.ts';
import { createZone } from './zone.ts';

/** What a core needs of the world. */
export interface CorePorts {
  readonly clock: Clock;
  /** Milliseconds with a fraction, for the time an answer takes. */
  readonly now: () => number;
  /** An integer from 0 up to but without `below`. */
  readonly random: (below: number) => number;
  readonly openForwarder: (rule: ForwardRule) => Forwarder;
  readonly openHosts: (settings: HostsSettings) => WatchedHosts;
  readonly panic: (error: unknown) => void;
  readonly looped: () => void;
}

/** Encoded answers kept for each port. */
const tableSize = 32_768;

/** A zone with the settings it was made from, so that it can go on under new ones that are the same. */
interface HeldZone {
  readonly key: string;
  readonly zone: Zone;
}

/** Everything a worker answers with under one set of settings: zones, caches, upstreams, and a server for each port. */
export class WorkerCore {
  readonly servers: ReadonlyMap<number, Server>;
  /** The cluster's zones had to be made anew: they are empty until the whole cluster was told. */
  readonly needsData: boolean;
  readonly settings: DnsSettings;
  readonly caches: readonly { readonly block: ServerBlock; readonly cache: CountedCache }[];
  readonly hosts: readonly WatchedHosts[];
  /** What to look for a loop through; null where no block asks for that. */
  readonly loopSearch: { readonly forwarder: Forwarder; readonly detector: LoopDetector } | null;
  readonly #zones: readonly HeldZone[];
  readonly #forwarders: readonly Forwarder[];
  readonly #detector: LoopDetector;

  constructor(settings: DnsSettings, facts: NodeFacts, ports: CorePorts, before: WorkerCore | null) {
    this.settings = settings;
    this.#detector = createLoopDetector(facts.loopName, ports.looped);
    const maker = new PartMaker(facts, ports, before === null ? [] : before.#zones, this.#detector);
    const parts = settings.blocks.map((block) => maker.make(block));
    const options = (blocks: readonly BlockParts[]): ServerOptions => ({ ...ports, blocks, tableSize });
    const numbers = [...new Set(settings.blocks.map(({ port }) => port))];
    this.servers = new Map(numbers.map((port) => [port, new Server(options(parts.filter((part) => part.port === port)))]));
    this.#zones = maker.zones;
    this.#forwarders = maker.forwarders;
    this.caches = maker.caches;
    this.hosts = maker.hosts;
    this.loopSearch = maker.default === null ? null : { forwarder: maker.default, detector: this.#detector };
    this.needsData = maker.zones.some(({ zone }) => !zone.synced);
  }

  get synced(): boolean {
    return this.#zones.every(({ zone }) => zone.synced);
  }

  get looped(): boolean {
    return this.#detector.looped;
  }

  /** Another thread saw the probe come back: the kernel gives it to any of them. */
  noteLoop(): void {
    this.#detector.seen(this.#detector.name);
  }

  apply(change: ZoneChange): void {
    for (const { zone } of this.#zones) zone.apply(change);
  }

  close(): void {
    for (const forwarder of this.#forwarders) forwarder.close();
    for (const hosts of this.hosts) hosts.close();
  }
}

class PartMaker {
  readonly zones: HeldZone[] = [];
  readonly forwarders: Forwarder[] = [];
  readonly caches: { readonly block: ServerBlock; readonly cache: CountedCache }[] = [];
  readonly hosts: WatchedHosts[] = [];
  /** The default upstreams of the first block that looks for loops. */
  default: Forwarder | null = null;
  readonly #facts: NodeFacts;
  readonly #ports: CorePorts;
  readonly #before: readonly HeldZone[];
  readonly #detector: LoopDetector;

  constructor(facts: NodeFacts, ports: CorePorts, before: readonly HeldZone[], detector: LoopDetector) {
    this.#facts = facts;
    this.#ports = ports;
    this.#before = before;
    this.#detector = detector;
  }

  make(block: ServerBlock): BlockParts {
    const { clock, random } = this.#ports;
    const zone = block.kubernetes === null ? null : this.#zone(block.kubernetes);
    const cache = block.cache === null ? null : createBlockCache(block.cache, () => clock.now(), random);
    if (cache !== null) this.caches.push({ block, cache });
    const hosts = block.hosts === null ? null : this.#ports.openHosts(block.hosts);
    if (hosts !== null) this.hosts.push(hosts);
    const rewrite = block.rewrite.length === 0 ? null : compileRewrite(block.rewrite);
    const acl = block.acl.length > 0 ? block.acl : sourceRules(this.#facts.sources);
    return {
      zones: block.zones,
      port: block.port,
      acl: acl.length === 0 ? null : compileAcl(acl),
      rewrite,
      cache,
      autopath: autopathOf(block, zone),
      templates: block.templates.length === 0 ? null : compileTemplates(block.templates),
      hosts,
      zone,
      forward: block.forward.map((rule) => this.#rule(rule, block.loop)),
      loops: ({ name, type }) => type === recordType.HINFO && this.#detector.seen(name),
      log: block.log,
      shuffle: block.shuffle,
      udpLimit: block.udpLimit,
      minimal: block.minimal,
      rateLimit: block.responseRate === 0 ? null : createRateLimiter({ perSecond: block.responseRate, seed: random(2 ** 31) }),
    };
  }

  #zone(settings: KubernetesSettings): Zone {
    const { nodeZone, serverAddresses, selfService } = this.#facts;
    const key = JSON.stringify([settings, nodeZone, serverAddresses, selfService]);
    const known = [...this.#before, ...this.zones].find((held) => held.key === key);
    const zone = known?.zone ?? createZone(settings, { nodeZone, serverAddresses, selfService });
    if (!this.zones.some((held) => held.key === key)) this.zones.push({ key, zone });
    return zone;
  }

  #rule(rule: ForwardRule, loop: boolean): ForwardPart {
    const forwarder = this.#ports.openForwarder(rule);
    this.forwarders.push(forwarder);
    const isWatched = loop && rule.suffix === rootName;
    if (isWatched) this.default ??= forwarder;
    return {
      suffix: rule.suffix,
      except: rule.except,
      forwarder: isWatched ? refuseLooped(forwarder, this.#detector) : forwarder,
    };
  }
}

/** What the default upstreams are asked while they lead back here would go round until every time limit is over (specification 11.15). */
function refuseLooped(forwarder: Forwarder, detector: LoopDetector): Forwarder {
  const refusal: ForwardResult = { kind: 'failed', reason: 'the default upstream leads back here' };
  return {
    ask: (question) => (detector.looped ? Promise.resolve(refusal) : forwarder.ask(question)),
    close: () => forwarder.close(),
  };
}

/** Without rules of its own a block answers pods and the node alone (specification 18.1). */
function sourceRules(sources: readonly Prefix[]): readonly AclRule[] {
  if (sources.length === 0) return [];
  return [
    { zones: [], action: 'allow', types: [], sources },
    { zones: [], action: 'block', types: [], sources: [] },
  ];
}

function autopathOf({ autopath, kubernetes }: ServerBlock, zone: Zone | null): BlockParts['autopath'] {
  const domain = kubernetes?.zones[0];
  if (autopath === null || zone === null || domain === undefined) return null;
  return (name, source) => {
    if (autopath.zones.length > 0 && !autopath.zones.some((within) => isWithin(name, within))) return null;
    const namespace = zone.namespaceOf(source);
    return namespace === null ? null : listCandidates(name, lowerName(namespace), domain, autopath);
  };
}
