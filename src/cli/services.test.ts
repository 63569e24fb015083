import { unknownTraffic } from '../model/mod.ts';
import type { StatusRow } from '../model/mod.ts';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { ConnectionsReport, StatusReport } from '../observe/mod.ts';
import { formatServices, runServices } from './services.ts';

const done: StatusRow = {
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
  since: 1_000_000,
  reason: '',
  code: '',
};
const refused: StatusRow = {
  ...done,
  family: 'IPv6',
  service: 'kube-system/dns',
  servicePort: 'kube-system/dns:/UDP',
  kind: 'NodePort',
  address: '*',
  protocol: 'UDP',
  port: 30053,
  backends: 0,
  verdict: 'reject',
  state: 'Error',
  since: 900_000,
  reason: 'no \u001b[31mroom',
  code: 'WP_IPTABLES_FULL',
};
const connections: ConnectionsReport = {
  mode: 'ipvs',
  families: [
    {
      family: 'IPv4',
      servers: [
        {
          server: 'TCP 10.96.0.10:80',
          service: 'default/web',
          destinations: [
            { endpoint: '10.244.1.2:8080', weight: 1, active: 7, inactive: 2, persistent: 0, ...unknownTraffic, draining: false },
            { endpoint: '10.244.1.3:8080', weight: 0, active: 1, inactive: 0, persistent: 3, ...unknownTraffic, draining: true },
          ],
        },
        {
          server: 'FWM 99 IPv4',
          service: null,
          destinations: [
            { endpoint: '192.0.2.7:0', weight: 1, active: 0, inactive: 0, persistent: 0, ...unknownTraffic, draining: false },
          ],
        },
      ],
    },
    { family: 'IPv6', servers: [{ server: 'TCP [fd00::a]:80', service: 'shop/idle', destinations: [] }] },
  ],
  problems: [{ code: 'WP_IPVS_REFUSED', message: 'the kernel said no' }],
};
const report: StatusReport = { mode: 'iptables', synced: true, rows: [done, refused] };

test('the table', () => {
  const ipv6 = { ...done, family: 'IPv6' as const, address: 'fd00::a' };
  expect(formatServices([done, ipv6, refused], 1_060_000)).toBe(
    [
      'SERVICE          PORT  KIND       FRONTEND        PROTOCOL  BACKENDS  VERDICT  STATE  SINCE  REASON',
      'default/web      http  ClusterIP  10.96.0.10:80   TCP              3  forward  Done      1m',
      'default/web      http  ClusterIP  [fd00::a]:80    TCP              3  forward  Done      1m',
      String.raw`kube-system/dns  -     NodePort   *:30053 (IPv6)  UDP              0  reject   Error  2m40s  no \u{1b}[31mroom`,
      '',
    ].join('\n'),
  );
});

describe('runServices', () => {
  let body = '';
  let status = 200;
  const server = createServer((request, response) => {
    response.writeHead(['/services', '/connections'].includes(request.url ?? '') ? status : 404).end(body);
  });
  let url = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  async function run(
    options: Partial<Parameters<typeof runServices>[0]> = {},
  ): Promise<{ code: number; out: string; err: string }> {
    let out = '';
    let err = '';
    const terminal = {
      out: (text: string): void => {
        out += text;
      },
      err: (text: string): void => {
        err += text;
      },
    };
    const code = await runServices(
      { url, output: 'table', errors: false, connections: false, foreign: false, ...options },
      terminal,
    );
    return { code, out, err };
  }

  test('prints a table, or the selected rows as JSON', async () => {
    body = JSON.stringify(report);
    expect((await run()).out).toMatch(/^SERVICE .*\ndefault\/web .*\nkube-system\/dns .*\n$/);
    expect(JSON.parse((await run({ output: 'json' })).out)).toEqual({ version: 1, ...report });
    expect(parse((await run({ output: 'yaml' })).out)).toEqual({ version: 1, ...report });
    expect(JSON.parse((await run({ output: 'json', namespace: 'default' })).out)).toMatchObject({ rows: [done] });
    expect(JSON.parse((await run({ output: 'json', errors: true })).out)).toMatchObject({ rows: [refused] });
    expect((await run({ namespace: 'def' })).err).toBe('No frontends to show.\n');
  });

  test('prints connection counts instead, of the selected Services', async () => {
    const counted: ConnectionsReport = { ...connections, problems: [] };
    body = JSON.stringify(counted);
    expect((await run({ connections: true })).out).toBe(
      [
        'SERVICE      SERVER             ENDPOINT         WEIGHT  ACTIVE  INACTIVE  PERSISTENT  STATE',
        'default/web  TCP 10.96.0.10:80  10.244.1.2:8080       1       7         2           0',
        'default/web  TCP 10.96.0.10:80  10.244.1.3:8080       0       1         0           3  draining',
        'shop/idle    TCP [fd00::a]:80   -                     -       -         -           -',
        '',
      ].join('\n'),
    );
    expect((await run({ connections: true, foreign: true })).out).toMatch(/\n\(another program\) {2}FWM 99 IPv4 /);
    expect((await run({ connections: true, foreign: true, namespace: 'shop' })).out.split('\n')).toHaveLength(3);
    expect((await run({ connections: true, namespace: 'none' })).err).toBe('No virtual servers to show.\n');
    const shown = JSON.parse((await run({ connections: true, foreign: true, output: 'json' })).out) as unknown;
    expect(shown).toEqual({ version: 1, ...counted });
  });

  test('says where connections are not counted, and which family could not be asked', async () => {
    body = JSON.stringify({ mode: 'iptables', families: [], problems: [] });
    expect(await run({ connections: true })).toMatchObject({
      code: 0,
      out: '',
      err: 'In mode iptables the kernel counts no connections by endpoint.\n',
    });
    body = JSON.stringify(connections);
    const half = await run({ connections: true });
    expect(half).toMatchObject({ code: 1, err: 'waypost: the kernel said no\n' });
    expect(half.out).toMatch(/^SERVICE/);
    body = JSON.stringify(report);
    expect((await run({ connections: true })).err).toMatch(/\/connections answers \(status 200\), but not as/);
  });

  test('says that the first sync is not complete', async () => {
    body = JSON.stringify({ ...report, synced: false });
    expect((await run()).err).toBe('The first sync is not complete: what is shown may be partial.\n');
  });

  test.each([
    ['nonsense', 200],
    ['{"rows":[{}]}', 200],
    [JSON.stringify(report), 500],
  ])('says when something else answers (%s, %d)', async (answer, code) => {
    body = answer;
    status = code;
    expect(await run()).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining(`/services answers (status ${code}), but not as`) as string,
    });
    status = 200;
  });

  test('says when nothing answers', async () => {
    const nothing = await run({ url: 'http://127.0.0.1:1' });
    expect(nothing).toMatchObject({ code: 1, out: '' });
    expect(nothing.err).toMatch(
      /^waypost: no agent answers at http:\/\/127\.0\.0\.1:1\/services \(.*\): is "waypost run" running/,
    );
  });

  test.each(['127.0.0.1:10249', 'file:///etc', ''])('refuses the URL "%s"', async (bad) => {
    expect(await run({ url: bad })).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^waypost: --url must be a URL such as/) as string,
    });
  });
});
