import { expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { createDebugServer } from './debug-server.ts';
import { FakeClock } from './fake-clock.fixture.ts';
import type { HealthView } from './health.ts';
import { createHealthServer } from './health-server.ts';
import { ask } from './http-request.fixture.ts';
import { Registry } from './metrics.ts';
import type { StatusReport } from './status-report.ts';

function ignore(): void {}

test('[SP-116] /healthz and /livez answer with the headers and body of the contract, and are counted', async () => {
  const registry = new Registry();
  let view: HealthView = { families: [], nodeEligible: false, synced: false };
  await using server = createHealthServer({
    host: '127.0.0.1',
    port: 0,
    view: () => view,
    patience: 60_000,
    registry,
    clock: new FakeClock(Date.parse('2026-01-02T03:04:05Z')),
    report: ignore,
  });
  await server.start();
  const port = server.bound[0]?.port ?? 0;
  expect((await ask('127.0.0.1', port, '/healthz')).status).toBe(503);
  view = { families: [], nodeEligible: true, synced: true };
  const answer = await ask('127.0.0.1', port, '/healthz');
  expect(answer).toMatchObject({
    status: 200,
    headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' },
    body: '{"lastUpdated":"2026-01-02T03:04:05Z","currentTime":"2026-01-02T03:04:05Z","nodeEligible":true,"healthy":true}',
  });
  expect((await ask('127.0.0.1', port, '/livez')).status).toBe(200);
  expect((await ask('127.0.0.1', port, '/')).status).toBe(404);
  const lines = registry.render().split('\n');
  expect(lines).toContain('kubeproxy_proxy_healthz_total{code="503"} 1');
  expect(lines).toContain('kubeproxy_proxy_healthz_total{code="200"} 1');
  expect(lines).toContain('kubeproxy_proxy_livez_total{code="200"} 1');
});

test('[SP-132] the debug pages', async () => {
  const report: StatusReport = {
    mode: 'iptables',
    synced: true,
    rows: [
      {
        family: 'IPv4',
        service: 'default/web',
        servicePort: 'default/web:http/TCP',
        kind: 'ClusterIP',
        address: '10.96.0.10',
        protocol: 'TCP',
        port: 80,
        backends: 3,
        verdict: 'forward',
        state: 'Done',
        since: 1,
        reason: '',
        code: '',
      },
    ],
  };
  const registry = new Registry();
  registry.counter({ name: 'a_total', help: 'A.' }).add([]);
  await using server = createDebugServer({
    host: '127.0.0.1',
    port: 0,
    mode: 'iptables',
    configuration: { kind: 'KubeProxyConfiguration', mode: 'iptables' },
    registry,
    status: () => report,
    startedAt: 1_700_000_000_500,
    clock: systemClock,
    report: ignore,
  });
  await server.start();
  const get = (path: string): ReturnType<typeof ask> => ask('127.0.0.1', server.bound[0]?.port ?? 0, path);
  const plain = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };
  expect(await get('/proxyMode')).toMatchObject({ status: 200, body: 'iptables', headers: plain });
  expect(await get('/healthz')).toMatchObject({ status: 200, body: 'ok', headers: plain });
  expect(await get('/healthz/ping')).toMatchObject({ status: 200, body: 'ok' });
  expect((await get('/configz')).body).toBe('{"kubeproxy.config.k8s.io":{"kind":"KubeProxyConfiguration","mode":"iptables"}}');
  expect(JSON.parse((await get('/services')).body)).toEqual(report);
  expect(await get('/metrics')).toMatchObject({
    status: 200,
    body: '# HELP a_total A.\n# TYPE a_total counter\na_total 1\n',
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'process-start-time-unix': '1700000000' },
  });
  expect((await get('/debug/pprof/')).status).toBe(404);
});
