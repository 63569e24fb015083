import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { runWords, startAgentStage } from './agent-stage.fixture.ts';
import type { AgentStage, Printed } from './agent-stage.fixture.ts';
import { makeIngressPages } from './ingress-page.ts';
import type { IngressStatus } from './start-ingress.ts';

const publication: IngressStatus['publications'][number] = {
  service: 'shop/web',
  family: 'IPv4',
  address: '192.0.2.10',
  protocol: 'TCP',
  port: 443,
  lastPort: 443,
  rewritePort: 8443,
  group: null,
  capture: null,
  affinitySeconds: null,
  backends: 2,
  verdict: 'forward',
};
const published: IngressStatus = {
  publications: [publication, { ...publication, service: 'team/api', address: '192.0.2.11' }],
  health: [],
  pools: null,
  announced: null,
};

let status: IngressStatus | null = published;
let stage: AgentStage;
beforeAll(async () => {
  stage = await startAgentStage(() => makeIngressPages(() => status));
});
afterAll(() => stage.close());
const run = (...words: readonly string[]): Promise<Printed> => runWords('ingress', '--url', stage.url, ...words);

test('a table, and the same for programs', async () => {
  status = published;
  expect(await run('-n', 'shop')).toEqual({
    code: 0,
    err: '',
    out: [
      'SERVICE   ADDRESS             TARGET  GROUP  CAPTURE  AFFINITY  BACKENDS  VERDICT',
      'shop/web  TCP 192.0.2.10:443  8443    -      -               -         2  forward',
      '',
    ].join('\n'),
  });
  const document = JSON.parse((await run('-o', 'json')).out) as unknown;
  expect(document).toEqual({ version: 1, ...published });
  expect(parse((await run('-o', 'yaml')).out)).toEqual(document);
});

test('an agent without ingress, and one that publishes nothing', async () => {
  status = null;
  expect(await run()).toEqual({ code: 1, out: '', err: 'ingress is off in this agent\n' });
  status = { ...published, publications: [] };
  expect(await run()).toEqual({ code: 0, out: '', err: 'Nothing is published.\n' });
});
