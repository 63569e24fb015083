import { randomUUID } from 'node:crypto';
import { createAddressPoolAgent, createPublisher } from '../ingress/mod.ts';
import type { AddressPoolAgent, AnnounceRow, HealthRow, IngressPublisher, PoolUsage, PublisherOptions } from '../ingress/mod.ts';
import type { EffectiveConfig, IngressSettings } from '../config/mod.ts';
import { openAddressStores } from '../kube/mod.ts';
import type { AddressStores } from '../kube/mod.ts';
import type { Address, Dirty, Family, Pause, PublishNotice, Publisher, ServiceKey, Snapshot } from '../model/mod.ts';
import { aboutService } from './about-service.ts';
import { apiAccess } from './api-access.ts';
import { startIngressAnnounce } from './ingress-announce.ts';
import { PublicationBook } from './ingress-book.ts';
import type { PublicationRow } from './ingress-book.ts';
import { IngressFacts } from './ingress-facts.ts';
import { startIngressHealth } from './ingress-health.ts';
import type { IngressHealth } from './ingress-health.ts';
import { addIngressMetrics } from './ingress-metrics.ts';
import { IngressPeers } from './ingress-peers.ts';
import type { StartProxyOptions } from './proxy-handle.ts';

export interface StartIngressOptions extends StartProxyOptions {
  readonly settings: IngressSettings;
  readonly pause: Pause;
  readonly localAddresses: () => readonly Address[];
  /** Name of the interface that has an address of the node. */
  readonly deviceOf: (address: Address) => string | null;
}

/** What `waypost ingress` is told. */
export interface IngressStatus {
  readonly publications: readonly PublicationRow[];
  readonly health: readonly HealthRow[];
  /** Null: this agent gives no addresses. */
  readonly pools: { readonly leading: boolean; readonly usage: readonly PoolUsage[] } | null;
  /** Null: this agent announces no addresses. */
  readonly announced: readonly AnnounceRow[] | null;
}

/** Ingress of a running agent. */
export interface IngressHandle {
  readonly publisher: Publisher;
  /** Null: direct return is off. */
  readonly peers: IngressPeers | null;
  /** A commit of the source. */
  take(snapshot: Snapshot, dirty: Dirty): void;
  /** Everything has been read once. */
  listed(): void;
  /** Says who is told that Services have to be looked at again. */
  attach(touch: (services: ReadonlySet<ServiceKey>) => void): void;
  /** The rules of the family are in the kernel. */
  synced(family: Family): void;
  status(): IngressStatus;
  /** Has other nodes take over what this one announces. The first thing of an orderly end: the rules go on serving. */
  stepDown(): Promise<void>;
  stop(): Promise<void>;
}

/** Puts the parts of ingress together. What cannot be opened is reported, and the rest goes on. */
export async function startIngress(options: StartIngressOptions): Promise<IngressHandle> {
  const { config, settings, report, localAddresses } = options;
  const facts = new IngressFacts({ ...config, localAddresses, now: () => performance.now() });
  const book = new PublicationBook();
  const touches = new Touches();
  const health =
    settings.healthChecks === null
      ? null
      : await startIngressHealth({ ...settings.healthChecks, changed: (services) => touches.add(services), report });
  const tell = makeNotice(options);
  const pools = await openPools(options, tell);
  const notice = countNotices(options, { book, health, pools }, tell);
  const changed = (): void => touches.add(book.services());
  const peers =
    settings.dsr === null || config.mode !== 'ipvs'
      ? null
      : await IngressPeers.open({ ...options, settings: settings.dsr, changed });
  const publishing = publishingOf(options, facts);
  const announce = await startIngressAnnounce({ ...options, publishing, takenWhole: (address) => book.takesWhole(address) });
  const publisher = makePublisher(options, publishing, { touches, health, notice, peers });
  let latest: Snapshot | null = null;
  let listed = false;
  return {
    publisher: withBook(publisher, book),
    peers,
    take(snapshot, dirty) {
      latest = snapshot;
      health?.take(snapshot, dirty);
      // Before everything has been read the agent must not take what it sees for all there is.
      if (listed) pools?.agent.update(snapshot, dirty);
      if (facts.take(snapshot)) touches.add(book.services());
      announce?.take(snapshot, dirty);
      peers?.take(snapshot);
    },
    listed() {
      listed = true;
      if (latest !== null) pools?.agent.update(latest, null);
      announce?.listed();
    },
    attach: (touch) => touches.attach(touch),
    synced: (family) => announce?.synced(family),
    status: () => ({
      publications: book.rows(),
      health: health?.rows() ?? [],
      pools: pools === null ? null : { leading: pools.agent.isLeading, usage: pools.agent.usage() },
      announced: announce?.rows() ?? null,
    }),
    stepDown: async () => await announce?.stop(),
    async stop() {
      await announce?.stop();
      health?.close();
      await peers?.close();
      await pools?.agent.close();
      pools?.stores.close();
    },
  };
}

/** Adds the metrics; what is given back counts a notice and hands it on. */
function countNotices(
  { registry, settings }: StartIngressOptions,
  {
    book,
    health,
    pools,
  }: { readonly book: PublicationBook; readonly health: IngressHealth | null; readonly pools: Pools | null },
  tell: (notice: PublishNotice) => void,
): (notice: PublishNotice) => void {
  const count = addIngressMetrics(registry, {
    publications: () => book.rows(),
    health,
    pools: pools?.agent ?? null,
    marks: settings.fwmark,
  });
  return (notice) => {
    count(notice.reason);
    tell(notice);
  };
}

/** Services that are to be looked at again, told on a later turn of the event loop: a publisher is in the middle of one. */
class Touches {
  #waiting = new Set<ServiceKey>();
  #touch: ((services: ReadonlySet<ServiceKey>) => void) | null = null;

  attach(touch: (services: ReadonlySet<ServiceKey>) => void): void {
    this.#touch = touch;
  }

  add(services: ReadonlySet<ServiceKey>): void {
    if (services.size === 0) return;
    if (this.#waiting.size === 0) setImmediate(() => this.#tell());
    for (const service of services) this.#waiting.add(service);
  }

  #tell(): void {
    const services = this.#waiting;
    this.#waiting = new Set();
    this.#touch?.(services);
  }
}

/** What the owners of Services are told, in the log and in Events. */
function makeNotice({ logger, event = () => {} }: StartIngressOptions): (notice: PublishNotice) => void {
  return ({ service, reason, message }) => {
    const type = reason === 'Published' ? 'Normal' : 'Warning';
    if (type === 'Warning') logger.warn(message, { service, reason });
    else logger.info(message, { service });
    const about = aboutService(service);
    event({ about, type, reason, action: 'Publish', message });
  };
}

interface PublisherParts {
  readonly touches: Touches;
  readonly health: IngressHealth | null;
  readonly notice: (notice: PublishNotice) => void;
  readonly peers: IngressPeers | null;
}

/** What the publisher and the announcer work from. */
function publishingOf(
  { config, settings }: StartIngressOptions,
  facts: IngressFacts,
): Pick<PublisherOptions, 'mode' | 'settings' | 'facts'> {
  return {
    mode: config.mode,
    settings: {
      className: settings.loadBalancerClass,
      vipCidrs: settings.vipCidrs,
      externalIps: settings.externalIps,
      capture: settings.capture,
      announces: settings.announce !== null,
      directReturn: {
        enabled: settings.dsr !== null,
        method: settings.dsr?.method ?? 'ipip',
        guePort: settings.dsr?.guePort ?? 0,
      },
      noEndpointsAction: settings.noEndpointsAction,
      detectsPods: detectsPods(config),
      limits: { ...settings.limits, marksPerNamespace: settings.limits.marksPerNamespace ?? 0 },
    },
    facts: () => facts.read(),
  };
}

function makePublisher(
  { nodeName }: StartIngressOptions,
  publishing: ReturnType<typeof publishingOf>,
  { touches, health, notice, peers }: PublisherParts,
): IngressPublisher {
  return createPublisher({
    ...publishing,
    nodeName,
    notice,
    touch: (services) => touches.add(services),
    ...(peers === null ? {} : { peers }),
    ...(health === null ? {} : { isLive: (service, backend) => health.isLive(service, backend) }),
  });
}

function detectsPods({ podDetection }: EffectiveConfig): boolean {
  return podDetection.kind !== 'cluster-cidr' || podDetection.prefixes.length > 0;
}

function withBook(publisher: IngressPublisher, book: PublicationBook): Publisher {
  return {
    isLive: publisher.isLive,
    publish(request) {
      const frontends = publisher.publish(request);
      const { service, family } = request;
      // Where the publisher has nothing to say it gives back what it got.
      if (frontends === request.frontends) book.forget(service.key, family);
      else book.note(service.key, family, frontends);
      return frontends;
    },
    forget(service, family) {
      publisher.forget(service, family);
      book.forget(service, family);
    },
  };
}

interface Pools {
  readonly agent: AddressPoolAgent;
  readonly stores: AddressStores;
}

/** Addresses are given where there is a cluster to say so. */
async function openPools(options: StartIngressOptions, notice: (notice: PublishNotice) => void): Promise<Pools | null> {
  const { config, settings, nodeName, report, clock } = options;
  if (settings.pools.length === 0 || config.manifests !== null) return null;
  const { namespace, name: leaseName } = settings.lease;
  const opened = await openAddressStores({ ...apiAccess(config, nodeName), namespace, leaseName });
  if (!opened.ok) {
    report(opened.problem);
    return null;
  }
  const stores = opened.value;
  const agent = createAddressPoolAgent({
    className: settings.loadBalancerClass,
    pools: settings.pools,
    ...stores,
    clock,
    uptime: () => performance.now(),
    random: Math.random,
    identity: `${nodeName}_${randomUUID()}`,
    notice,
    problem: report,
  });
  return { agent, stores };
}
