import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FamilyDiff } from '../proxy/mod.ts';
import { formatDiff, runDiff } from './diff.ts';
import { makeDiffPages } from './diff-page.ts';
import { runProgram } from './program.ts';
import { makeQuestion } from './question.fixture.ts';

const same: FamilyDiff = { family: 'IPv4', problem: null, differences: [], pending: [], nodeChanged: false };
const added = { service: 'shop/web', place: 'iptables nat', held: null, wanted: '-A KUBE-SVC-A -j DROP' };
const families: readonly FamilyDiff[] = [
  {
    ...same,
    differences: [
      { service: null, place: 'iptables filter', held: '-A KUBE-FORWARD -j ACCEPT', wanted: null },
      added,
      { service: 'shop/api', place: 'ipvs', held: '-a -w 7', wanted: '-a -w 1' },
    ],
    pending: [
      { service: 'shop/web', wanted: ['ClusterIP TCP 10.96.0.1:80 -> 10.244.1.1:8080'], since: 940_000, problem: null },
      { service: 'shop/gone', wanted: [], since: null, problem: { code: 'WP_TEST', message: 'refused', cause: new Error('no') } },
    ],
  },
  { ...same, family: 'IPv6', problem: { code: 'WP_TEST', message: 'IPv6 does not answer' } },
];

const question = makeQuestion();

async function pageOf(compared: readonly FamilyDiff[] | null): Promise<string> {
  const reply = await makeDiffPages('iptables', async () => compared).get('/diff')?.(question);
  expect(reply?.status).toBe(200);
  return reply?.body ?? '';
}

describe('the page', () => {
  test('has a version, tells what a sync does, and no causes', async () => {
    const report = JSON.parse(await pageOf(families));
    expect(report).toMatchObject({ version: 1, mode: 'iptables', started: true });
    expect(report.families[0].differences.map(({ action }: { action: string }) => action)).toEqual(['remove', 'add', 'change']);
    expect(report.families[0].pending[1]).toEqual({
      service: 'shop/gone',
      wanted: [],
      since: null,
      problem: { code: 'WP_TEST', message: 'refused' },
    });
    expect(report.families[1]).toMatchObject({ family: 'IPv6', problem: { code: 'WP_TEST' }, differences: [] });
  });

  test('tells a thousand of each kind and counts the others', async () => {
    const many = { ...same, differences: Array.from({ length: 1240 }, () => added) };
    const [family] = JSON.parse(await pageOf([many])).families;
    expect([family.differences.length, family.omittedDifferences, family.omittedPending]).toEqual([1000, 240, 0]);
  });

  test('says when there is nothing to compare yet', async () => {
    expect(JSON.parse(await pageOf(null))).toEqual({ version: 1, mode: 'iptables', started: false, families: [] });
  });
});

describe('waypost diff', () => {
  let body = '';
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/diff' ? 200 : 404).end(body);
  });
  let url = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  async function run(page: string, output: 'table' | 'json' = 'table'): Promise<{ code: number; out: string; err: string }> {
    body = page;
    const texts = { out: '', err: '' };
    const terminal = { out: (text: string) => (texts.out += text), err: (text: string) => (texts.err += text) };
    return { code: await runDiff({ url, output }, terminal), ...texts };
  }

  test('is content where nothing differs', async () => {
    expect(await run(await pageOf([same, { ...same, family: 'IPv6' }]))).toEqual({
      code: 0,
      out: 'No difference: the kernel holds what the agent asked of it.\n',
      err: '',
    });
  });

  test('groups by Service, what is nobody’s last, and closes with one sentence', async () => {
    const { code, out, err } = await run(await pageOf(families));
    expect([code, err]).toEqual([1, 'waypost: IPv6 does not answer\n']);
    expect(out).toMatch(
      /\n3 differences and 2 pending Services: audits repair differences \(syncPeriod\), the next sync writes what is pending\. IPv6 could not be compared\.\n$/,
    );
    expect(formatDiff(JSON.parse(await pageOf(families)), 1_000_000).split('\n')).toEqual([
      'SERVICE              FAMILY  PLACE            SYNC WOULD  OBJECT',
      'shop/api             IPv4    ipvs             change      -a -w 7',
      '                                              to          -a -w 1',
      'shop/gone            IPv4    refused          write       remove all of it',
      '                                                          WP_TEST: refused',
      'shop/web             IPv4    iptables nat     add         -A KUBE-SVC-A -j DROP',
      '                     IPv4    pending for 1m   write       ClusterIP TCP 10.96.0.1:80 -> 10.244.1.1:8080',
      '(no single Service)  IPv4    iptables filter  remove      -A KUBE-FORWARD -j ACCEPT',
      '',
    ]);
  });

  test('counts what is not shown', async () => {
    const { out } = await run(await pageOf([{ ...same, differences: Array.from({ length: 1001 }, () => added) }]));
    expect(out).toContain('\n1001 differences and 0 pending Services, of which 1 are not shown: ');
  });

  test('prints the report as it is', async () => {
    const page = await pageOf(families);
    const { code, out } = await run(page, 'json');
    expect([code, JSON.parse(out)]).toEqual([1, JSON.parse(page)]);
    expect((await run(await pageOf([same]), 'json')).code).toBe(0);
  });

  test('a family that could not be compared is no difference, and not content either', async () => {
    const broken = { ...same, problem: { code: 'WP_TEST', message: 'no answer' } as const };
    expect(await run(await pageOf([broken]))).toEqual({
      code: 1,
      out: 'IPv4 could not be compared.\n',
      err: 'waypost: no answer\n',
    });
    expect(await run(await pageOf(null))).toMatchObject({ code: 1, out: expect.stringContaining('has not begun') });
  });

  test('a node that changed is a change to come', async () => {
    expect(await run(await pageOf([{ ...same, nodeChanged: true }]))).toEqual({
      code: 1,
      out:
        'No difference: the kernel holds what the agent asked of it. ' +
        'The node changed: the next sync looks at every Service of IPv4.\n',
      err: '',
    });
  });

  test('another version of the page, no agent and bad words', async () => {
    expect(await run(JSON.stringify({ version: 2 }))).toMatchObject({ code: 1, err: expect.stringContaining('of this version') });
    const quiet = { out: () => {}, err: () => {} };
    expect(await runDiff({ url: 'http://127.0.0.1:1', output: 'table' }, quiet)).toBe(1);
    expect(await runDiff({ url: 'nonsense', output: 'table' }, quiet)).toBe(2);
    expect(await runProgram(['diff', '--output', 'xml'], quiet)).toBe(2);
    expect(await runProgram(['diff', '--help'], quiet)).toBe(0);
  });
});
