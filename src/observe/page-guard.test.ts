import { expect, test } from 'vitest';
import type { Question } from './http-serve.ts';
import { judgeVisit } from './page-guard.ts';
import type { PageDoor, VisitKind } from './page-guard.ts';

function visit(
  headers: Readonly<Record<string, string>>,
  { door = {}, kind = 'document', local = '127.0.0.1' }: { door?: Partial<PageDoor>; kind?: VisitKind; local?: string } = {},
): readonly [status: number, body: string] {
  const question: Question = {
    method: 'GET',
    query: new URLSearchParams(),
    header: (name) => ({ host: 'localhost:10249', ...headers })[name] ?? null,
    local: { address: local, port: 10249 },
    body: async () => null,
  };
  const reply = judgeVisit({ audience: 'loopback', host: '0.0.0.0', ...door }, kind, question);
  return [reply?.status ?? 200, reply?.body ?? ''];
}

test('loopback addresses are served, others only where the setting says so, and the refusal names it', () => {
  for (const local of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1']) expect(visit({}, { local })[0]).toBe(200);
  for (const local of ['192.0.2.1', 'fd00::1', '::ffff:192.0.2.1', 'fe80::1%eth0', '']) {
    expect(visit({}, { local })).toEqual([404, expect.stringContaining('statusPage: everywhere')]);
    expect(visit({}, { local, door: { audience: 'everywhere' } })[0]).toBe(200);
  }
  expect(visit({}, { door: { audience: 'off' } })).toEqual([404, expect.stringContaining('statusPage')]);
});

test.each(['localhost', 'LOCALHOST:8080', '127.0.0.1:10249', '[::1]:10249', '192.0.2.7', '[fd00::1]', 'node.example:1'])(
  'is served under the name %s',
  (host) => {
    expect(visit({ host }, { door: { host: 'node.example' } })[0]).toBe(200);
  },
);

test.each(['evil.example', 'localhost.evil.example:10249', '', '127.0.0.1.evil.example', '10.0.0.1:80:80', '[::1'])(
  'is not served under the name "%s", which somebody else may have made',
  (host) => {
    expect(visit({ host }, { door: { audience: 'everywhere' } })[0]).toBe(403);
  },
);

test('data is given to no other site, and to who says nothing of sites', () => {
  const data = (headers: Readonly<Record<string, string>>): number => visit(headers, { kind: 'data' })[0];
  expect(data({})).toBe(200);
  expect(data({ origin: 'http://localhost:10249', 'sec-fetch-site': 'same-origin' })).toBe(200);
  expect(data({ origin: 'http://localhost:8080' })).toBe(403);
  expect(data({ origin: 'https://evil.example' })).toBe(403);
  expect(data({ origin: 'null' })).toBe(403);
  expect(data({ 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(data({ 'sec-fetch-site': 'same-site' })).toBe(403);
});
