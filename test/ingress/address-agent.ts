/**
 * An agent that does nothing but give out addresses: the real source, stores and allocator, as a process that can be killed.
 *
 *     node test/ingress/address-agent.ts URL FIRST-ADDRESS LAST-ADDRESS
 */
import { createAddressPoolAgent } from '../../src/ingress/mod.ts';
import { openAddressStores, openClusterSource } from '../../src/kube/mod.ts';
import { parseAddress } from '../../src/model/mod.ts';
import type { Clock, Outcome } from '../../src/model/mod.ts';
import { addressClass, leaseName, leaseNamespace } from './address-names.ts';

const [master = '', firstText = '', lastText = ''] = process.argv.slice(2);
const access = { kubeconfig: '', master, qps: 0, burst: 0, userAgent: 'waypost-test', env: {} };
const [first, last] = [parseAddress(firstText), parseAddress(lastText)];
if (first === null || last === null) throw new Error('two addresses are needed');

const clock: Clock = {
  now: () => Date.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
};
const stores = need(await openAddressStores({ ...access, namespace: leaseNamespace, leaseName }));
const source = need(await openClusterSource({ ...access, nodeName: 'node-1' }));
const agent = createAddressPoolAgent({
  ...stores,
  identity: `agent-${process.pid}`,
  className: addressClass,
  pools: [{ name: 'all', addresses: [{ first, last }], autoAssign: true }],
  clock,
  uptime: () => performance.now(),
  random: Math.random,
  // Short, so that many terms fit into one test; the shape is that of the defaults.
  timings: { leaseMs: 2000, renewMs: 1200, retryMs: 200 },
  notice: () => {},
  problem: () => {},
});
let synced = false;
let latest = (): void => {};
source.start({
  change: (snapshot, dirty) => {
    if (synced) agent.update(snapshot, dirty);
    else latest = () => agent.update(snapshot, null);
  },
  synced: () => {
    synced = true;
    latest();
  },
  problem: () => {},
});

function need<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return outcome.value;
}
