import { networkInterfaces } from 'node:os';
import { createPause } from '../kube/mod.ts';
import type { RequestObserver, Source } from '../kube/mod.ts';
import { parseAddress, succeed } from '../model/mod.ts';
import type { IpvsNotice } from '../ipvs/mod.ts';
import type { Address, DataPlane, Dirty, Outcome, Pause, Problem, Snapshot } from '../model/mod.ts';
import { createConntrackPort } from '../netlink/mod.ts';
import { shareGenerations } from '../nftables/mod.ts';
import type { OwnGenerations } from '../nftables/mod.ts';
import {
  addFrontendMetrics,
  addRequestMetrics,
  addServerMetrics,
  addTurnMetrics,
  createSyncMetrics,
  isProxyHealthy,
  openHealthCheckServer,
} from '../observe/mod.ts';
import { HealthCheckPorts, Proxy, createConntrackCleaner } from '../proxy/mod.ts';
import type { AfterSync, ConntrackCleaner, ConntrackPass, Notice, ProxyOptions } from '../proxy/mod.ts';
import { RefusalEvents } from './agent-events.ts';
import { findNodeProblems } from './check.ts';
import { cleanChains } from './clean-chains.ts';
import { cleanFormer } from './clean-former.ts';
import { collectConnections } from './connections.ts';
import { Handover } from './handover.ts';
import { logNodeChange } from './log-node-change.ts';
import { logNotice } from './log-notice.ts';
import { makeDataPlanes } from './make-data-planes.ts';
import type { DataPlanes } from './make-data-planes.ts';
import { makeSource } from './make-source.ts';
import { observeConntrack, observeSyncs } from './observe-sync.ts';
import type { ProxyHandle, StartProxyOptions } from './proxy-handle.ts';
import { retireProxyServers } from './retire-proxy.ts';
import { ServiceAdvice } from './service-advice.ts';
import { startDns } from './start-dns.ts';
import type { DnsHandle } from './start-dns.ts';
import { startIngress } from './start-ingress.ts';
import type { IngressHandle } from './start-ingress.ts';
import { teeSource } from './tee-source.ts';
import { KernelWatch } from './watch-kernel.ts';
import type { Holdings } from './watch-kernel.ts';

/** Milliseconds of one turn of the event loop that long work may take in all. */
const turnBudget = 4;

/** Puts source, data planes and proxy together and sets them going. Fails where the mode or the source cannot be used. */
export async function startProxy(options: StartProxyOptions): Promise<Outcome<ProxyHandle>> {
  const { config, nodeName, families, logger, registry } = options;
  const pause = createPause(turnBudget);
  const { advise, refusals, notice: noted } = makeAdvice(options);
  const generations = shareGenerations();
  const opened = await openSource(options, pause, generations);
  if (!opened.ok) return opened;
  const { source, dns, ingress } = opened.value;
  const observe = (notice: IpvsNotice): void => logNodeChange(notice, logger);
  const made = await makeDataPlanes({ mode: config.mode, config, families, pause, generations, degraded: advise, observe });
  if (!made.ok) {
    await Promise.all([dns?.stop(), ingress?.stop()]);
    return made;
  }
  const { planes, notes, adopted, holdings = null, close } = made.value;
  logger.info('kernel access', notes);
  if (config.mode === 'ipvs') await watchServers(options, planes);
  const metrics = createSyncMetrics(registry, config.mode);
  const healthChecks = makeHealthChecks(options, () => proxy);
  const cleaner = makeConntrackCleaner(options, pause, observeConntrack(metrics));
  const handover = makeHandover(options, adopted);
  const kernel = makeKernelWatch(options, holdings, () => proxy);
  const proxy = new Proxy({
    planes,
    source,
    nodeMayCome: config.manifests === null,
    choices: config,
    nodeName,
    syncPeriod: config.syncPeriod,
    minSyncPeriod: config.minSyncPeriod,
    clock: options.clock,
    pause,
    localAddresses,
    problem: advise,
    fatal: options.fatal,
    report: noted,
    ...publishing(ingress),
    observe: observeSyncs(metrics),
    afterSync: [healthChecks, cleaner, refusals, handover, kernel, ...announcing(ingress)],
  });
  addFrontendMetrics(registry, () => proxy.tally());
  ingress?.attach((services) => proxy.touch(services));
  proxy.start();
  return succeed({
    ...describeProxy(proxy, config.manifests !== null),
    healthChecks: () => healthChecks.rows(),
    ...(config.mode === 'ipvs' ? { connections: () => collectConnections(planes) } : {}),
    ...(dns === null ? {} : { dns, dnsMetrics: () => dns.registry.gather() }),
    ...(ingress === null ? {} : { ingress: () => ingress.status() }),
    stop: async () => {
      // The resolver goes on answering for a while from what it knows; what it is told must not end before.
      await Promise.all([dns?.stop(), ingress?.stepDown()]);
      await proxy.stop();
      await ingress?.stop();
      await Promise.all([healthChecks.close(), handover.close(), kernel[Symbol.asyncDispose]()]);
      await close();
    },
  });
}

/** What pages and commands are told of a proxy. */
function describeProxy(
  proxy: Proxy,
  fromManifests: boolean,
): Pick<
  ProxyHandle,
  | 'setPace'
  | 'rows'
  | 'watchRows'
  | 'tally'
  | 'compare'
  | 'healthOf'
  | 'nodeEligible'
  | 'synced'
  | 'snapshot'
  | 'explainEndpoints'
> {
  return {
    setPace: (pace) => proxy.setPace(pace),
    rows: () => proxy.rows(),
    watchRows: () => proxy.watchRows(),
    tally: () => proxy.tally(),
    compare: () => proxy.compare(),
    healthOf: () => proxy.health(),
    nodeEligible: () => isNodeEligible(proxy, fromManifests),
    synced: () => proxy.synced,
    snapshot: () => proxy.snapshot,
    explainEndpoints: (services) => proxy.explainEndpoints(services),
  };
}

/** Who is told of what: the log, and Services through Events. */
function makeAdvice({ event = () => {}, report, logger }: StartProxyOptions): {
  readonly advise: (problem: Problem) => void;
  readonly refusals: RefusalEvents;
  readonly notice: (notice: Notice) => void;
} {
  const advice = new ServiceAdvice(event);
  const refusals = new RefusalEvents(event);
  return {
    advise: (problem) => {
      report(problem);
      advice.problem(problem);
    },
    refusals,
    notice: (notice) => {
      logNotice(notice, logger, report);
      refusals.notice(notice);
      advice.notice(notice);
    },
  };
}

/** The source of the proxy, and the resolver that listens to it as well where it is asked for. */
async function openSource(
  options: StartProxyOptions,
  pause: Pause,
  generations: OwnGenerations,
): Promise<Outcome<{ readonly source: Source; readonly dns: DnsHandle | null; readonly ingress: IngressHandle | null }>> {
  const { config, nodeName, registry } = options;
  const started =
    config.dns === null
      ? null
      : await startDns({ ...options, choices: config.dns, pause, generations, localAddresses, env: process.env });
  // The kernel is programmed all the same: questions go on going to the cluster's own DNS.
  if (started?.ok === false) {
    options.report(started.problem);
    options.report({
      code: 'WP_DNS_OFF',
      message: 'DNS is off, since its configuration cannot be used; mend it and start the agent again',
    });
  }
  const dns = started?.ok === true ? started.value : null;
  const observed = [registry, ...(dns === null ? [] : [dns.registry])];
  const observers = observed.map((one, index) => addRequestMetrics(one, index === 0 ? '' : 'coredns_kubernetes_'));
  const needs = dns === null ? null : { pods: dns.needs.pods, keepLabels: dns.needs.labels };
  const turn = dns === null ? () => {} : addTurnMetrics(dns.registry, 'coredns_kubernetes_');
  const request: RequestObserver = (seen) => observers.forEach((observe) => observe(seen));
  const nodes = config.ingress === null ? null : { nodes: true };
  const source = await makeSource(config, nodeName, pause, { request, turn }, needs, nodes);
  if (!source.ok) {
    await dns?.stop();
    return source;
  }
  const ingress =
    config.ingress === null
      ? null
      : await startIngress({ ...options, settings: config.ingress, pause, localAddresses, deviceOf });
  const listen = (snapshot: Snapshot, dirty: Dirty): void => {
    dns?.take(snapshot, dirty);
    ingress?.take(snapshot, dirty);
  };
  const tee = dns === null && ingress === null ? source.value : teeSource(source.value, listen, () => ingress?.listed());
  return succeed({ source: tee, dns, ingress });
}

/** What the proxy asks of ingress. */
function publishing(ingress: IngressHandle | null): Pick<ProxyOptions, 'publisher' | 'peers'> {
  if (ingress === null) return {};
  const { publisher, peers } = ingress;
  if (peers === null) return { publisher };
  return { publisher, peers: (family, snapshot) => peers.peers(family, snapshot) };
}

/** A node without its rules must not draw packets to itself. */
function announcing(ingress: IngressHandle | null): readonly AfterSync[] {
  return ingress === null ? [] : [{ afterSync: async ({ family }) => ingress.synced(family) }];
}

function makeKernelWatch({ families, report }: StartProxyOptions, holdings: Holdings | null, proxy: () => Proxy): KernelWatch {
  return new KernelWatch({
    families,
    holdings,
    touched: (family, by) => proxy().lookAgain(family, { by }),
    moved: (family) => proxy().lookAgain(family),
    report,
  });
}

function makeHandover({ config, families, logger, report, clock }: StartProxyOptions, adopted: DataPlanes['adopted']): Handover {
  return new Handover({
    mode: config.mode,
    families,
    logger,
    report,
    cleanChains,
    cleanOwn: (taken, signal) => cleanFormer(taken, { config, clock, report, signal }),
    ...(config.mode === 'ipvs'
      ? {}
      : {
          retireServers: (taken, signal, remove) =>
            retireProxyServers(taken, { clock, report, signal, drainMs: config.ipvs.drainMs, remove }),
        }),
    ...(adopted === undefined ? {} : { adopted }),
  });
}

/** Says what of this node will trouble IPVS mode, and counts what its virtual servers do. */
async function watchServers({ config, registry, report, clock }: StartProxyOptions, planes: readonly DataPlane[]): Promise<void> {
  for (const problem of await findNodeProblems(config)) report(problem);
  addServerMetrics(registry, {
    statistics: () => planes.flatMap((plane) => plane.statistics?.() ?? []),
    connections: async () => (await collectConnections(planes)).families,
    detail: config.connectionMetrics,
    clock,
  });
}

/** The ports on which load balancers ask for endpoints; what cannot be listened on is told in the log and on the Service. */
function makeHealthChecks({ live, nodeName, clock, report, event }: StartProxyOptions, proxy: () => Proxy): HealthCheckPorts {
  const healthy = (): boolean => isProxyHealthy(proxy().health(), clock.now(), 2 * live.current.syncPeriod);
  return new HealthCheckPorts({
    nodeName,
    open: (target) => openHealthCheckServer({ ...target, healthy, report }),
    warn: ({ namespace, name }, reason, problem) => {
      report(problem);
      event?.({
        about: { kind: 'Service', namespace, name },
        type: 'Warning',
        reason,
        action: 'Listen',
        message: problem.message,
      });
    },
  });
}

function makeConntrackCleaner(
  { report }: StartProxyOptions,
  pause: Pause,
  passed: (pass: ConntrackPass) => void,
): ConntrackCleaner {
  return createConntrackCleaner({ port: createConntrackPort({ pause }), pause, now: () => performance.now(), report, passed });
}

/** A folder of manifests need not describe the Node: then nothing speaks against it. */
function isNodeEligible(proxy: Proxy, fromManifests: boolean): boolean {
  const node = proxy.snapshot?.node ?? null;
  return node === null ? fromManifests : !node.leaving;
}

/** The addresses of all interfaces that are up. */
function localAddresses(): readonly Address[] {
  return Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .map(({ address }) => parseAddress(address))
    .filter((address) => address !== null);
}

function deviceOf(address: Address): string | null {
  const found = Object.entries(networkInterfaces()).find(([, entries]) =>
    entries?.some((one) => parseAddress(one.address) === address),
  );
  return found?.[0] ?? null;
}
