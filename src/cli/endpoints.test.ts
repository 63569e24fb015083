import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { emptySnapshot, parseAddress } from '../model/mod.ts';
import type { ServiceRecord, Snapshot } from '../model/mod.ts';
import type { EndpointUse } from '../proxy/mod.ts';
import { runWords, startAgentStage } from './agent-stage.fixture.ts';
import type { AgentStage, Printed } from './agent-stage.fixture.ts';
import { makeEndpointUsePages } from './endpoint-use-page.ts';

function use(service: string, address: string, over: Partial<EndpointUse> = {}): EndpointUse {
  const parsed = parseAddress(address);
  if (parsed === null) throw new Error(`bad address in a test: ${address}`);
  return {
    service,
    family: 'IPv4',
    portName: 'http',
    protocol: 'TCP',
    address: parsed,
    port: 8080,
    node: 'node-2',
    zone: 'b',
    local: false,
    ready: true,
    serving: true,
    terminating: false,
    inside: { used: true, weight: 1 },
    outside: { used: false, why: 'not-local' },
    ...over,
  };
}

const uses: readonly EndpointUse[] = [
  use('shop/web', '10.244.1.1', { node: 'node-1', local: true, zone: null, outside: { used: true, weight: 3 } }),
  use('shop/web', '10.244.2.1'),
  use('shop/web', 'fd00::1', {
    family: 'IPv6',
    portName: '',
    ready: false,
    terminating: true,
    node: null,
    outside: null,
    inside: { used: false, why: 'terminating' },
  }),
  use('team/api', '10.244.3.1', { ready: false, serving: false, inside: { used: false, why: 'not-ready' }, outside: null }),
];

let known: Snapshot | null = null;
let served = true;
let stage: AgentStage;
beforeAll(async () => {
  stage = await startAgentStage(() => {
    const explain = async (services: Iterable<string>): Promise<readonly EndpointUse[]> => {
      const wanted = new Set(services);
      return uses.filter(({ service }) => wanted.has(service));
    };
    return served ? makeEndpointUsePages({ node: 'node-1', snapshot: () => known, explain }) : new Map();
  });
  const services = new Map(['team/api', 'shop/web', 'shop/idle'].map((key) => [key, { key } as ServiceRecord]));
  known = { ...emptySnapshot, services, listed: true };
});
afterAll(() => stage.close());
const run = (...words: readonly string[]): Promise<Printed> => runWords('endpoints', '--url', stage.url, ...words);

test('the table of one Service', async () => {
  expect(await run('shop/web')).toEqual({
    code: 0,
    err: '',
    out: [
      'SERVICE   PORT  ENDPOINT             NODE           ZONE  STATE                 INSIDE                         OUTSIDE',
      'shop/web  http  TCP 10.244.1.1:8080  node-1 (this)  -     ready                 used                           used, weight 3',
      'shop/web  http  TCP 10.244.2.1:8080  node-2         b     ready                 used                           not on this node (policy Local)',
      'shop/web  -     TCP [fd00::1]:8080   -              b     serving, terminating  terminating, others are ready  -',
      '',
    ].join('\n'),
  });
  expect((await run('web', '-n', 'shop')).out).toBe((await run('shop/web')).out);
});

test('all Services, those of a namespace, and what programs read', async () => {
  const all = JSON.parse((await run('-o', 'json')).out) as unknown;
  expect(all).toEqual({ version: 1, node: 'node-1', listed: true, unknown: [], endpoints: uses });
  const some = parse((await run('-n', 'team', '-o', 'yaml')).out) as { readonly endpoints: readonly unknown[] };
  expect(some.endpoints).toEqual([uses[3]]);
  expect((await run('-n', 'team')).out).toMatch(/^SERVICE .*\nteam\/api .* not ready +not ready +-\n$/);
});

test('no endpoints, no such Service, a cluster that is not read yet', async () => {
  expect(await run('shop/idle')).toEqual({ code: 0, out: '', err: 'Service shop/idle has no endpoints.\n' });
  expect(await run('-n', 'none')).toEqual({ code: 0, out: '', err: 'No endpoints to show.\n' });
  const unknown = await run('shop/wbe', '-o', 'json');
  expect([unknown.code, unknown.out]).toEqual([1, '']);
  expect(unknown.err).toMatch(/^waypost: the agent serves no Service shop\/wbe: there is none of that name, or it is headless/);
  const before = known;
  known = null;
  expect((await run()).err).toBe(
    'The agent has not read the cluster yet: what is shown may be partial.\nNo endpoints to show.\n',
  );
  known = before;
});

test('wrong names, no agent, an agent without the page', async () => {
  for (const words of [['web'], ['a/b/c'], ['/web'], ['shop/']]) {
    const wrong = await run(...words);
    expect(wrong).toEqual({
      code: 2,
      out: '',
      err: `waypost: SERVICE must be NAMESPACE/NAME, or NAME with --namespace, not "${words[0] ?? ''}"\n`,
    });
  }
  expect(await run('shop/web', '-n', 'team')).toMatchObject({ code: 2, err: expect.stringContaining('"team"') as string });
  expect((await run('shop/web', 'more')).code).toBe(2);
  const nobody = await runWords('endpoints', '--url', 'http://127.0.0.1:1');
  expect([nobody.code, nobody.err]).toEqual([1, expect.stringMatching(/^waypost: no agent answers at/) as string]);
  served = false;
  const older = await run('shop/web');
  served = true;
  expect([older.code, older.err]).toEqual([1, expect.stringMatching(/use\?service=shop%2Fweb answers \(status 404\)/) as string]);
});
