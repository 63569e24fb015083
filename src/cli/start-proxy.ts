import { networkInterfaces } from 'node:os';
import { createPause } from '../kube/mod.ts';
import { parseAddress, succeed } from '../model/mod.ts';
import type { Address, Outcome } from '../model/mod.ts';
import { Proxy } from '../proxy/mod.ts';
import type { ProxyOptions } from '../proxy/mod.ts';
import { logNotice } from './log-notice.ts';
import { makeDataPlanes } from './make-data-planes.ts';
import { makeSource } from './make-source.ts';
import type { ProxyHandle, StartProxyOptions } from './proxy-handle.ts';

/** Milliseconds of one turn of the event loop that long work may take in all. */
const turnBudget = 4;

/** Puts source, data planes and proxy together and sets them going. Fails where the mode or the source cannot be used. */
export async function startProxy(options: StartProxyOptions): Promise<Outcome<ProxyHandle>> {
  const { config, nodeName, families, logger, report } = options;
  const pause = createPause(turnBudget);
  const source = await makeSource(config, nodeName, pause);
  if (!source.ok) return source;
  const made = await makeDataPlanes(config.mode, families, pause, report);
  if (!made.ok) return made;
  const { planes, notes, close } = made.value;
  logger.info('kernel access', notes);
  const proxyOptions: ProxyOptions = {
    planes,
    source: source.value,
    nodeMayCome: config.manifests === null,
    choices: config,
    nodeName,
    syncPeriod: config.syncPeriod,
    minSyncPeriod: config.minSyncPeriod,
    clock: options.clock,
    pause,
    localAddresses,
    problem: report,
    fatal: options.fatal,
    report: (notice) => logNotice(notice, logger, report),
  };
  const proxy = new Proxy(proxyOptions);
  proxy.start();
  return succeed({
    rows: () => proxy.rows(),
    healthOf: () => proxy.health(),
    nodeEligible: () => isNodeEligible(proxy, config.manifests !== null),
    synced: () => proxy.synced,
    stop: async () => {
      await proxy.stop();
      await close();
    },
  });
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
