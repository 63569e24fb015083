import { expect, test } from 'vitest';
import { makeConfig } from '../config/mod.ts';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { AgentEvent } from '../kube/mod.ts';
import type { Problem } from '../model/mod.ts';
import type { Pace } from '../proxy/mod.ts';
import { Registry, createLogger, systemClock } from '../observe/mod.ts';
import type { LiveConfig } from './live-config.ts';
import type { ProxyHandle, StartProxy, StartProxyOptions } from './proxy-handle.ts';
import { serve } from './run.ts';
import { readVersion } from './version.ts';

interface Stage {
  readonly prepared: Omit<StartProxyOptions, 'fatal' | 'live'>;
  readonly lines: string[];
  readonly health: string;
  readonly debug: string;
}

/** Ports that were free a moment ago. */
async function setStage(extra: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const [health, debug] = await Promise.all([freePort(), freePort()]);
  const flags = { 'healthz-bind-address': `127.0.0.1:${health}`, 'metrics-bind-address': `127.0.0.1:${debug}`, ...extra };
  const loaded = makeConfig(new Map(Object.entries(flags).map(([name, value]) => [name, [value]])), null);
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message);
  const lines: string[] = [];
  const logger = createLogger({ format: 'text', verbosity: 0, now: Date.now, write: (line) => lines.push(line) });
  const prepared = {
    config: loaded.config,
    nodeName: 'node-1',
    families: ['IPv4'] as const,
    clock: systemClock,
    registry: new Registry(),
    logger,
    report: (problem: Problem): void => logger.problem(problem),
  };
  return { prepared, lines, health: `http://127.0.0.1:${health}`, debug: `http://127.0.0.1:${debug}` };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

function handleOf(state: { synced: boolean; stopped: number }): ProxyHandle {
  return {
    rows: () => [],
    healthOf: () => [{ family: 'IPv4', lastUpdated: state.synced ? 1 : null, pendingSince: null }],
    nodeEligible: () => true,
    synced: () => state.synced,
    stop: async () => {
      state.stopped += 1;
    },
  };
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  await response.text();
  return response.status;
}

test('servers run before the proxy, /healthz turns 200 after the first complete sync, and a signal ends all', async () => {
  const { prepared, lines, health, debug } = await setStage();
  const state = { synced: false, stopped: 0 };
  const { promise: stopped, resolve: stop } = Promise.withResolvers<string>();
  const { promise: started, resolve: begin } = Promise.withResolvers<void>();
  let early = 0;
  const startProxy: StartProxy = async ({ report }) => {
    early = await statusOf(`${health}/healthz`);
    report({ code: 'WP_TEST_A', message: 'something is wrong' });
    begin();
    return { ok: true, value: handleOf(state) };
  };
  const served = serve(prepared, startProxy, stopped);
  await started;
  expect(early).toBe(503);
  expect(await statusOf(`${health}/livez`)).toBe(200);
  expect(await statusOf(`${health}/healthz`)).toBe(503);
  state.synced = true;
  expect(await statusOf(`${health}/healthz`)).toBe(200);
  expect(await (await fetch(`${debug}/status`)).json()).toMatchObject({
    agent: { mode: 'iptables', node: 'node-1', version: readVersion() },
    synced: true,
    nodeEligible: true,
    families: [{ family: 'IPv4', lastUpdated: 1, healthy: true, frontends: { Done: 0 } }],
    healthChecks: [],
    dns: { configured: false, running: false, ready: false },
    ingress: { running: false, publications: 0 },
    problems: [{ code: 'WP_TEST_A', times: 1 }],
  });
  expect(await (await fetch(`${debug}/services`)).json()).toEqual({ mode: 'iptables', synced: true, rows: [] });
  expect(await (await fetch(`${debug}/configz`)).json()).toMatchObject({ 'kubeproxy.config.k8s.io': { mode: 'iptables' } });

  stop('SIGTERM');
  expect(await served).toEqual({ ok: true, value: undefined });
  expect(state.stopped).toBe(1);
  expect(lines.at(-1)).toContain('SIGTERM received: stopping, and leaving all rules in place');
  await expect(fetch(`${health}/healthz`)).rejects.toThrow('fetch failed');
});

test('a proxy that cannot start is the outcome, and frees the ports', async () => {
  const { prepared, health } = await setStage();
  const problem: Problem = { code: 'WP_IPTABLES_MISSING', message: 'iptables-restore is not installed' };
  const served = await serve(prepared, async () => ({ ok: false, problem }), new Promise(() => {}));
  expect(served).toEqual({ ok: false, problem });
  await expect(fetch(`${health}/healthz`)).rejects.toThrow('fetch failed');
});

test('a proxy that cannot go on ends the agent with its problem', async () => {
  const { prepared } = await setStage();
  const state = { synced: true, stopped: 0 };
  const problem: Problem = { code: 'WP_PROXY_NO_POD_CIDR', message: 'no pod CIDR' };
  const startProxy: StartProxy = async ({ fatal }) => {
    fatal(problem);
    return { ok: true, value: handleOf(state) };
  };
  expect(await serve(prepared, startProxy, new Promise(() => {}))).toEqual({ ok: false, problem });
  expect(state.stopped).toBe(1);
});

test('[SP-146] a start is an Event on the Node, and [SP-142] a new configuration ends the agent with its problem', async () => {
  const { prepared } = await setStage();
  const events: AgentEvent[] = [];
  const state = { synced: true, stopped: 0 };
  const problem: Problem = { code: 'WP_CLI_CONFIG_CHANGED', message: 'the configuration file c was updated' };
  const { promise: changed, resolve: change } = Promise.withResolvers<Problem>();
  const never = new Promise<string>(() => {});
  const event = (one: AgentEvent): void => {
    events.push(one);
    change(problem);
  };
  const start: StartProxy = async () => ({ ok: true, value: handleOf(state) });
  const served = await serve({ ...prepared, event }, start, never, () => changed);
  expect(served).toEqual({ ok: false, problem });
  expect(state.stopped).toBe(1);
  expect(events).toMatchObject([{ about: { kind: 'Node', name: 'node-1' }, type: 'Normal', reason: 'Starting' }]);
});

test('live fields are in force at once: the pace of the proxy, the log and what pages tell', async () => {
  const { prepared, lines, debug } = await setStage();
  const { promise: stopped, resolve: stop } = Promise.withResolvers<string>();
  const paces: Pace[] = [];
  const { promise: begun, resolve: begin } = Promise.withResolvers<LiveConfig>();
  const start: StartProxy = async () => ({
    ok: true,
    value: { ...handleOf({ synced: true, stopped: 0 }), setPace: (pace) => paces.push(pace) },
  });
  const served = serve(prepared, start, stopped, async (live) => {
    begin(live);
    return await new Promise(() => {});
  });
  const live = await begun;
  const { settings } = live.current;
  const next = { ...settings, 'iptables.syncPeriod': 7000, 'logging.verbosity': 4 };
  live.replace({ ...live.current, settings: next, syncPeriod: 7000, verbosity: 4 });
  const page = (await (await fetch(`${debug}/configz`)).json()) as { readonly 'kubeproxy.config.k8s.io': object };
  expect(page['kubeproxy.config.k8s.io']).toMatchObject({ iptables: { syncPeriod: '7s' }, logging: { verbosity: 4 } });
  expect(paces.at(-1)).toMatchObject({ syncPeriod: 7000, minSyncPeriod: 1000 });
  prepared.logger.debug('a decision');
  expect(lines.at(-1)).toContain('a decision');
  stop('SIGTERM');
  await served;
});

test('[SP-122] with bindAddressHardFail a taken port is the outcome and an Event on the Node', async () => {
  const { prepared, health } = await setStage({ 'bind-address-hard-fail': 'true' });
  const holder = createServer();
  const port = Number(new URL(health).port);
  await new Promise<void>((resolve) => {
    holder.listen(port, '127.0.0.1', resolve);
  });
  const events: AgentEvent[] = [];
  const served = await serve(
    { ...prepared, event: (event) => events.push(event) },
    async () => ({ ok: true, value: handleOf({ synced: true, stopped: 0 }) }),
    new Promise(() => {}),
  );
  expect(events).toMatchObject([
    { about: { kind: 'Node', name: 'node-1' }, type: 'Warning', reason: 'FailedToStartProxierHealthcheck' },
  ]);
  expect(served).toMatchObject({
    ok: false,
    problem: { code: 'WP_CLI_BIND', message: `the health address 127.0.0.1:${port} is taken, and bindAddressHardFail is set` },
  });
  await new Promise((resolve) => {
    holder.close(resolve);
  });
});
