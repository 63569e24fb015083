import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { makeDnsDebugPages } from './dns-debug.ts';
import type { LookupAnswer } from './dns-question.ts';
import { runProgram } from './program.ts';
import { makeQuestion } from './question.fixture.ts';

const found: LookupAnswer = {
  ok: true,
  question: 'web.shop.svc.cluster.local A',
  rcode: 'NOERROR',
  authoritative: true,
  stage: 'kubernetes',
  answer: ['web.shop.svc.cluster.local. 30 IN A 10.96.0.1'],
  authority: [],
  additional: [],
  steps: ['Service shop/web, ClusterIP'],
};

async function run(...words: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const printed = { out: '', err: '' };
  const terminal = {
    out: (text: string) => void (printed.out += text),
    err: (text: string) => void (printed.err += text),
  };
  return { code: await runProgram(['dns', ...words], terminal), ...printed };
}

describe('with the pages of an agent', () => {
  const asked: string[] = [];
  const switched: boolean[] = [];
  let answer: LookupAnswer = found;
  let hasDns = true;
  let url = '';
  const pages = makeDnsDebugPages(() =>
    hasDns
      ? {
          lookup: async (query) => {
            asked.push(query.toString());
            return answer;
          },
          logQueries: (on) => void switched.push(on),
        }
      : null,
  );
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://agent');
    const page = pages.get(pathname);
    if (page === undefined) return response.writeHead(404).end('not here');
    const question = makeQuestion({ method: request.method ?? 'GET', query: searchParams });
    return void Promise.resolve(page(question)).then((reply) => response.writeHead(reply.status, reply.headers).end(reply.body));
  });
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
  const lookup = (...words: readonly string[]): ReturnType<typeof run> => run('lookup', ...words, '--url', url);

  test('a lookup is printed as dig has it, with how the answer came about', async () => {
    expect(await lookup('web.shop.svc.cluster.local')).toEqual({
      code: 0,
      err: '',
      out: [
        'web.shop.svc.cluster.local A: NOERROR, authoritative, from kubernetes',
        'answer:',
        '  web.shop.svc.cluster.local. 30 IN A 10.96.0.1',
        'how:',
        '  Service shop/web, ClusterIP',
        '',
      ].join('\n'),
    });
    expect(asked.at(-1)).toBe('name=web.shop.svc.cluster.local&type=A&source=');
    await lookup('a.test', 'SRV', '--source', '10.244.1.7');
    expect(asked.at(-1)).toBe('name=a.test&type=SRV&source=10.244.1.7');
  });

  test('-o json and -o yaml print what the agent said', async () => {
    expect(JSON.parse((await lookup('a.test', '-o', 'json')).out)).toEqual({ version: 1, ...found });
    expect(parse((await lookup('a.test', '-o', 'yaml')).out)).toEqual({ version: 1, ...found });
  });

  test.each([
    ['NOERROR', 0],
    ['NXDOMAIN', 0],
    ['SERVFAIL', 1],
    ['REFUSED', 1],
  ])('the exit code for %s is %i', async (rcode, code) => {
    answer = { ...found, rcode, answer: [], authority: ['x. 30 IN NS y.'], additional: ['y. 30 IN A 192.0.2.1'], stage: '' };
    const printed = await lookup('a.test');
    expect(printed.code).toBe(code);
    expect(printed.out).toContain(`${rcode}, authoritative, from no stage\nauthority:\n  x. 30 IN NS y.\nadditional:\n`);
    answer = found;
  });

  test('what cannot be asked is told with field and value, exit code 2, and nobody is asked', async () => {
    const before = asked.length;
    expect(await lookup('a..b')).toEqual({ code: 2, out: '', err: 'waypost: name must be a domain name, not "a..b"\n' });
    expect((await lookup('a.test', 'NOSUCH')).err).toBe(
      'waypost: type must be a record type such as A, AAAA or SRV, not "NOSUCH"\n',
    );
    expect((await lookup('a.test', 'A', '--source', 'pod-7')).err).toBe('waypost: source must be an IP address, not "pod-7"\n');
    expect(asked.length).toBe(before);
    expect((await lookup('a.test', '-o', 'xml')).code).not.toBe(0);
    expect((await lookup()).code).not.toBe(0);
  });

  test('what the agent cannot do', async () => {
    answer = { ok: false, error: 'no DNS thread is running at the moment' };
    expect(await lookup('a.test')).toEqual({ code: 1, out: '', err: 'waypost: no DNS thread is running at the moment\n' });
    hasDns = false;
    expect(await lookup('a.test')).toEqual({ code: 1, out: '', err: 'waypost: this agent answers no DNS\n' });
    expect(await run('log', 'on', '--url', url)).toEqual({ code: 1, out: '', err: 'waypost: this agent answers no DNS\n' });
    hasDns = true;
    answer = found;
    const nobody = await run('lookup', 'a.test', '--url', 'http://127.0.0.1:1');
    expect(nobody.code).toBe(1);
    expect(nobody.err).toMatch(/^waypost: no agent answers at http:\/\/127\.0\.0\.1:1\/dns\/lookup/);
    for (const words of [
      ['log', 'on'],
      ['lookup', 'a.test'],
    ]) {
      const refused = await run(...words, '--url', 'file:///x');
      expect([refused.code, refused.err]).toEqual([2, expect.stringMatching(/--url must be a URL such as/)]);
    }
  });

  test('the query log is switched on and off', async () => {
    expect(await run('log', 'on', '--url', url)).toEqual({ code: 0, out: 'the query log is on\n', err: '' });
    expect(await run('log', 'off', '--url', url)).toEqual({ code: 0, out: 'the query log is off\n', err: '' });
    expect(switched).toEqual([true, false]);
    expect((await run('log', 'maybe', '--url', url)).err).toMatch(/'maybe' is invalid.*on, off/);
    // The page by itself: only a POST that says what it wants.
    const states = await Promise.all(
      [fetch(`${url}/dns/log?on=true`), fetch(`${url}/dns/log?on=1`, { method: 'POST' })].map(async (answered) => {
        const { status } = await answered;
        return status;
      }),
    );
    expect(states).toEqual([405, 400]);
    expect(switched).toHaveLength(2);
  });
});

describe('waypost dns convert', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waypost-convert-'));
    await writeFile(join(folder, 'Corefile'), '.:53 {\n  kubernetes home.arpa\n  forward . 192.0.2.53\n}\n');
    await writeFile(join(folder, 'bad'), '.:53 {\n  nosuch directive\n}\n');
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('[DNS-128] prints a document of ours, and that document can be read again', async () => {
    const converted = await run('convert', join(folder, 'Corefile'));
    expect(converted).toMatchObject({ code: 0, err: '' });
    expect(converted.out).toMatch(/kind: WaypostDNSConfiguration/);
    expect(converted.out).toContain('192.0.2.53');
    await writeFile(join(folder, 'own.yaml'), converted.out);
    expect((await run('convert', join(folder, 'own.yaml'))).out).toBe(converted.out);
  });

  test('says what is wrong with a file, and with the command', async () => {
    const bad = await run('convert', join(folder, 'bad'));
    expect(bad).toMatchObject({ code: 1, out: '' });
    expect(bad.err).toMatch(/2.*nosuch/);
    expect(await run('convert', '/nowhere/Corefile')).toMatchObject({
      code: 1,
      err: expect.stringContaining('cannot read the DNS configuration /nowhere/Corefile') as string,
    });
    expect(await run('convert', join(folder, 'Corefile'), '--cluster-domain', 'a..b')).toEqual({
      code: 2,
      out: '',
      err: 'waypost: --cluster-domain must be a domain such as cluster.local, not "a..b"\n',
    });
  });
});
