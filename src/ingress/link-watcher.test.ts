import { expect, test } from 'vitest';
import { fail, parseAddress, parsePrefix, succeed } from '../model/mod.ts';
import type { Address, Clock, Problem } from '../model/mod.ts';
import { createFakeNeighbours } from '../netlink/mod.ts';
import type { Route } from '../netlink/mod.ts';
import { LinkWatcher } from './link-watcher.ts';

const near = parseAddress('192.0.2.12') as Address;
const far = parseAddress('198.51.100.7') as Address;

function setStage() {
  const neighbours = createFakeNeighbours('IPv4');
  neighbours.setInterface({ index: 2, name: 'eth0', hardware: new Uint8Array(6), running: true });
  const told: string[] = [];
  const problems: Problem[] = [];
  const waits: { readonly delay: number; readonly callback: () => void }[] = [];
  const clock: Clock = {
    now: () => 0,
    after(delay, callback) {
      const wait = { delay, callback };
      waits.push(wait);
      return () => void waits.splice(0, waits.length, ...waits.filter((one) => one !== wait));
    },
  };
  const destination = parsePrefix('192.0.2.0/24');
  if (destination === null) throw new TypeError('not a prefix');
  const onLink: Route = { destination, table: 254, type: 'unicast', device: 'eth0', source: null, gateway: null, protocol: 2 };
  const kernel = { routes: { listRoutes: async () => succeed([onLink]) }, neighbours };
  const watcher = new LinkWatcher({
    kernel,
    clock,
    changed: () => told.push(`${near} ${watcher.linkOf(near)}`),
    report: (problem) => problems.push(problem),
    release: async () => void told.push('released'),
  });
  /** Until it has looked and waits. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
  };
  /** The wait is over. */
  const pass = async (): Promise<number> => {
    const [wait] = waits.splice(0);
    wait?.callback();
    await settle();
    return wait?.delay ?? -1;
  };
  const host = (link: string) => ({ address: near, index: 2, link });
  return { neighbours, watcher, told, problems, waits, settle, pass, host };
}

const peers = [{ node: 'node-2', address: near }];

test('[INGRESS-34] a peer is looked for until it is known, and then from time to time', async () => {
  const { neighbours, watcher, told, settle, pass, host } = setStage();
  watcher.setPeers(peers);
  await settle();
  expect([watcher.reach(near), watcher.linkOf(near), told]).toEqual(['unknown', null, []]);
  expect(await pass()).toBe(100);
  neighbours.addHost(host('02:00:00:00:00:12'));
  // Asked for in one look, seen in the next.
  expect([await pass(), await pass()]).toEqual([300, 1000]);
  expect([watcher.reach(near), told]).toEqual(['reached', [`${near} 02:00:00:00:00:12`]]);
  expect(await pass()).toBe(30_000);
  expect(told.length).toBe(1);
});

test('[INGRESS-34] another link is learned when the kernel tells of it', async () => {
  const { neighbours, watcher, told, settle, pass, host } = setStage();
  neighbours.addHost(host('02:00:00:00:00:12'));
  watcher.setPeers(peers);
  await settle();
  await pass();
  neighbours.addHost(host('02:00:00:00:00:13'));
  await neighbours.useNeighbours([{ address: near, index: 2 }]);
  watcher.note(host('02:00:00:00:00:12'));
  watcher.note({ ...host('02:00:00:00:00:13'), address: far });
  await settle();
  expect(told).toEqual([`${near} 02:00:00:00:00:12`]);
  watcher.note(host('02:00:00:00:00:13'));
  watcher.note(host('02:00:00:00:00:13'));
  await settle();
  expect(told).toEqual([`${near} 02:00:00:00:00:12`, `${near} 02:00:00:00:00:13`]);
});

test('who is not on a link is told once, and others are found all the same', async () => {
  const { neighbours, watcher, problems, told, settle, pass, host } = setStage();
  neighbours.addHost(host('02:00:00:00:00:12'));
  watcher.setPeers([...peers, { node: 'node-3', address: far }]);
  await settle();
  await pass();
  await pass();
  expect([watcher.reach(near), watcher.reach(far)]).toEqual(['reached', 'unfit']);
  expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
    'WP_INGRESS_LINK direct routing to and from node 198.51.100.7 cannot be had, since it is on no Ethernet link of this node: ingress.dsr.method ipip or gue can',
  ]);
  watcher.setPeers([]);
  await settle();
  expect([watcher.reach(near), told.length]).toEqual(['unknown', 3]);
});

test('a failure is told once and tried again; the end ends it', async () => {
  const { neighbours, watcher, problems, waits, settle, pass, told } = setStage();
  const broken = fail('WP_NETLINK_SILENT', 'no answer');
  neighbours.problem = broken.problem;
  watcher.setPeers(peers);
  await settle();
  await pass();
  expect(problems).toEqual([broken.problem]);
  neighbours.problem = null;
  await pass();
  expect(watcher.reach(near)).toBe('unknown');
  await watcher.close();
  watcher.look();
  await settle();
  expect([waits.length, told]).toEqual([0, ['released']]);
});
