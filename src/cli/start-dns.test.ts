import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeConfig } from '../config/mod.ts';
import { createStore, decodeService } from '../kube/mod.ts';
import { parseAddress } from '../model/mod.ts';
import type { Address, Clock, InterceptWish, Outcome, Problem } from '../model/mod.ts';
import { shareGenerations } from '../nftables/mod.ts';
import { createLogger, systemClock } from '../observe/mod.ts';
import { startDns } from './start-dns.ts';
import type { DnsHandle, DnsOptions } from './start-dns.ts';

/** The system's clock, but what is far away comes when the test says so. */
class HeldClock implements Clock {
  readonly #held: { readonly delay: number; readonly callback: () => void }[] = [];

  now(): number {
    return systemClock.now();
  }

  after(delay: number, callback: () => void): () => void {
    if (delay !== 60_000 && delay !== 7000) return systemClock.after(delay, callback);
    const entry = { delay, callback };
    this.#held.push(entry);
    return () => void this.#held.splice(this.#held.indexOf(entry), 1);
  }

  held(delay: number): number {
    return this.#held.filter((one) => one.delay === delay).length;
  }

  come(delay: number): void {
    const index = this.#held.findIndex((one) => one.delay === delay);
    const [entry] = this.#held.splice(index, 1);
    if (entry === undefined) throw new Error(`nobody waits ${delay} ms`);
    entry.callback();
  }
}

/** Notes what is asked of the kernel. */
class NotedInterception {
  readonly steps: string[] = [];
  wish: InterceptWish | null | undefined = undefined;

  readonly open: NonNullable<DnsOptions['intercept']> = async () => ({
    route: async (addresses, { IPv4 }) => void this.steps.push(`route ${addresses.join(',')} from ${IPv4}`),
    want: (wish) => {
      if (wish !== null && this.wish === null) this.steps.push('intercept');
      this.wish = wish;
    },
    release: async () => void this.steps.push('release'),
    close: async () => void this.steps.push('close'),
  });
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(text);
  return parsed;
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

describe('the resolver in the agent', () => {
  let folder = '';
  const problems: Problem[] = [];
  const lines: string[] = [];
  let locals: readonly Address[] = [address('127.0.0.1'), address('192.0.2.11')];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waypost-start-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function start(corefile: string, more: Partial<DnsOptions> = {}): Promise<Outcome<DnsHandle>> {
    const path = join(folder, 'Corefile');
    await writeFile(path, corefile);
    const flags = { dns: 'true', 'dns-config': path, 'dns-addresses': '127.0.0.1', 'cluster-cidr': '10.244.0.0/16' };
    const loaded = makeConfig(new Map(Object.entries(flags).map(([name, value]) => [name, [value]])), null);
    if (!loaded.ok || loaded.config.dns === null) throw new Error('not a configuration with DNS');
    problems.length = 0;
    lines.length = 0;
    return await startDns({
      config: loaded.config,
      choices: loaded.config.dns,
      nodeName: 'node-1',
      families: ['IPv4'],
      clock: systemClock,
      pause: () => null,
      generations: shareGenerations(),
      logger: createLogger({ format: 'text', verbosity: 0, now: () => 0, write: (line) => void lines.push(line) }),
      report: (problem) => problems.push(problem),
      localAddresses: () => locals,
      env: {},
      ...more,
    });
  }

  test('[DNS-126] a configuration that cannot be used at the start is a failure that names line and directive, and nothing is opened', async () => {
    const noted = new NotedInterception();
    const started = await start('.:53 {\n  kubernetes cluster.local\n  nosuch thing\n}\n', { intercept: noted.open });
    if (started.ok) throw new Error('it started');
    expect([started.problem, ...problems].map(({ message }) => message).join('\n')).toMatch(/3.*nosuch/);
    expect([lines, noted.steps]).toEqual([[], []]);
  });

  test('[DNS-124] addresses are made local, then listened on, then questions are taken; at the end the other way round, after the lame duck', async () => {
    const [clock, noted, port] = [new HeldClock(), new NotedInterception(), await freePort()];
    const corefile = `.:${port} {\n  kubernetes cluster.local\n  health 127.0.0.1:${await freePort()} {\n    lameduck 7s\n  }\n}\n`;
    const started = await start(corefile, { clock, intercept: noted.open });
    if (!started.ok) throw new Error(started.problem.message);
    const dns = started.value;
    expect([dns.ready, dns.lameDuckMs, noted.wish]).toEqual([false, 7000, null]);
    const store = createStore();
    const service = {
      kind: 'Service',
      metadata: { namespace: 'shop', name: 'web' },
      spec: { type: 'ClusterIP', clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'], ports: [{ port: 80 }] },
    };
    const decoded = decodeService(service, { pods: 'none', keepLabels: false } as never);
    if (!decoded.ok) throw new Error(decoded.problem.message);
    store.services.upsert(decoded.value);
    store.namespaces.upsert({ name: 'shop', labels: {} });
    store.markListed('services');
    store.markListed('namespaces');
    const committed = store.commit();
    if (committed === null) throw new Error('nothing was committed');
    dns.take(committed.snapshot, committed.dirty);
    await vi.waitUntil(() => noted.steps.includes('intercept'), { timeout: 10_000 });
    expect(noted.steps).toEqual(['route 127.0.0.1 from 192.0.2.11', 'intercept']);
    expect(dns.ready).toBe(true);
    const answerOf = async (name: string): Promise<unknown> => dns.lookup(new URLSearchParams({ name }));
    const found = { rcode: 'NOERROR', answer: ['web.shop.svc.cluster.local. 5 IN A 10.96.0.1'] };
    expect(await answerOf('web.shop.svc.cluster.local')).toMatchObject(found);
    expect(await answerOf('a..b')).toEqual({ ok: false, error: 'name must be a domain name, not "a..b"' });

    // Routes that somebody removed come back, and the address that the node has now is what it sends from.
    locals = [address('127.0.0.1'), address('192.0.2.12')];
    clock.come(60_000);
    await vi.waitUntil(() => noted.steps.at(-1) === 'route 127.0.0.1 from 192.0.2.12', { timeout: 10_000 });
    expect(clock.held(60_000)).toBe(1);

    noted.steps.length = 0;
    const stopped = dns.stop();
    await vi.waitUntil(() => clock.held(7000) === 1, { timeout: 10_000 });
    expect([dns.ready, noted.steps]).toEqual([false, ['release']]);
    expect(await answerOf('web.shop.svc.cluster.local')).toMatchObject(found);
    clock.come(7000);
    await stopped;
    expect(noted.steps).toEqual(['release', 'close']);
    expect(clock.held(60_000)).toBe(0);
    expect(problems).toEqual([]);
  });

  test('a start of the agent that failed does not wait for clients that nobody has', async () => {
    const [clock, noted, port] = [new HeldClock(), new NotedInterception(), await freePort()];
    const started = await start(
      `.:${port} {\n  kubernetes cluster.local\n  health 127.0.0.1:${await freePort()} {\n    lameduck 7s\n  }\n}\n`,
      {
        clock,
        intercept: noted.open,
      },
    );
    if (!started.ok) throw new Error(started.problem.message);
    await started.value.stop();
    expect(clock.held(7000)).toBe(0);
    expect(noted.steps.at(-1)).toBe('close');
  });
});
