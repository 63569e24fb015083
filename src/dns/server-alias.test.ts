import { describe, expect, test } from 'vitest';
import { name } from './forward.fixture.ts';
import {
  alias,
  always,
  answered,
  ask,
  FakeForwarder,
  forwardTo,
  makeHosts,
  makeParts,
  makeRequest,
  makeServer,
  soaOf,
  web,
  zoneOf,
} from './server.fixture.ts';
import type { BlockParts } from './server-parts.ts';
import { makeChange, makeService, makeSettings, makeSlice, plainOptions } from './zone.fixture.ts';
import type { ZoneService } from './zone-input.ts';
import { createZone } from './zone.ts';

describe('aliases of Services', () => {
  const services = [
    web,
    makeService('shop/db', { kind: 'headless', slices: [makeSlice(['10.244.1.1'])] }),
    alias('shop/out', 'www.example.com'),
    alias('shop/in', 'web.shop.svc.cluster.local.'),
    alias('shop/endpoint', '10-244-1-1.db.shop.svc.cluster.local'),
    alias('shop/headless', 'db.shop.svc.cluster.local'),
    alias('shop/stub', 'box.Stub.test'),
    alias('shop/listed', 'printer.lan'),
    alias('shop/missing', 'wbe.shop.svc.cluster.local'),
  ];
  const upstream = (answer: FakeForwarder['answer']): FakeForwarder => new FakeForwarder(answer);
  const parts = (forwarder: FakeForwarder, over: Partial<BlockParts> = {}): BlockParts =>
    makeParts({
      zone: zoneOf(services),
      hosts: makeHosts('10.0.0.7 printer.lan'),
      forward: [forwardTo(forwarder), forwardTo(always('10.0.0.9'), 'stub.test.')],
      ...over,
    });
  const cname = (service: string, target: string): string => `${service}.shop.svc.cluster.local. 30 IN CNAME ${target}`;

  test('[DNS-59] the alias alone where that is asked for, without any upstream', async () => {
    const forwarder = upstream(() => answered([]));
    expect(await ask(makeServer(parts(forwarder)), 'out.shop.svc.cluster.local. CNAME')).toEqual([
      'NOERROR aa kubernetes',
      cname('out', 'www.example.com.'),
    ]);
    expect(forwarder.asked).toEqual([]);
  });

  test.each([
    ['out', 'www.example.com.', 'www.example.com. 60 IN A 192.0.2.1'],
    ['in', 'web.shop.svc.cluster.local.', 'web.shop.svc.cluster.local. 30 IN A 10.96.0.80'],
    ['headless', 'db.shop.svc.cluster.local.', 'db.shop.svc.cluster.local. 30 IN A 10.244.1.1'],
    ['endpoint', '10-244-1-1.db.shop.svc.cluster.local.', '10-244-1-1.db.shop.svc.cluster.local. 30 IN A 10.244.1.1'],
    ['stub', 'box.stub.test.', 'box.stub.test. 60 IN A 10.0.0.9'],
    ['listed', 'printer.lan.', 'printer.lan. 3600 IN A 10.0.0.7'],
  ])('[DNS-60] %s is followed to %s', async (service, target, expected) => {
    const forwarder = upstream(() => answered(['www.example.com. 60 IN A 192.0.2.1']));
    const lines = await ask(makeServer(parts(forwarder)), `${service}.shop.svc.cluster.local. A`);
    expect(lines.map((line) => line.toLowerCase())).toEqual([
      'noerror aa kubernetes',
      cname(service, target).toLowerCase(),
      expected.toLowerCase(),
    ]);
  });

  test('[DNS-60] the chain of the upstream is put behind ours', async () => {
    const forwarder = upstream(() => answered(['www.example.com. 5 IN CNAME a.cdn.test.', 'a.cdn.test. 7 IN A 192.0.2.1']));
    expect(await ask(makeServer(parts(forwarder)), 'out.shop.svc.cluster.local. A')).toEqual([
      'NOERROR aa kubernetes',
      cname('out', 'www.example.com.'),
      'www.example.com. 5 IN CNAME a.cdn.test.',
      'a.cdn.test. 7 IN A 192.0.2.1',
    ]);
  });

  test.each(['MX', 'TXT', 'SRV', 'HTTPS', 'CAA', 'TYPE65280'])(
    '[DNS-61] a question for %s carries the alias too',
    async (type) => {
      const text = `www.example.com. 60 IN ${type} \\# 2 0102`;
      const forwarder = upstream(() => answered([text]));
      const lines = await ask(makeServer(parts(forwarder)), `out.shop.svc.cluster.local. ${type}`);
      expect(lines.slice(0, 2)).toEqual(['NOERROR aa kubernetes', cname('out', 'www.example.com.')]);
      expect(lines).toHaveLength(3);
      expect(forwarder.asked).toMatchObject([{ name: name('www.example.com.') }]);
    },
  );

  test('[DNS-63] code and denial are those of the end', async () => {
    const soa = soaOf('example.com.');
    const denial = 'authority: example.com. 300 IN SOA ns.example.com. admin.example.com. 1 2 3 4 60';
    const says = (answer: FakeForwarder['answer'], question = 'out.shop.svc.cluster.local. A'): Promise<readonly string[]> =>
      ask(makeServer(parts(upstream(answer))), question);
    const head = cname('out', 'www.example.com.');
    expect(await says(() => answered([], { rcode: 3, authority: [soa] }))).toEqual(['NXDOMAIN aa kubernetes', head, denial]);
    expect(await says(() => answered([], { authority: [soa] }))).toEqual(['NOERROR aa kubernetes', head, denial]);
    expect(await says(() => ({ kind: 'failed', reason: 'x' }))).toEqual([expect.stringMatching(/^SERVFAIL/), head]);
    expect(await says(() => answered([], { rcode: 2 }))).toEqual([expect.stringMatching(/^SERVFAIL/), head]);
    expect(await says(() => ({ kind: 'overloaded' }))).toEqual([expect.stringMatching(/^SERVFAIL/), head]);
    expect((await says(() => answered([]), 'missing.shop.svc.cluster.local. A')).slice(0, 2)).toEqual([
      'NXDOMAIN aa kubernetes',
      cname('missing', 'wbe.shop.svc.cluster.local.'),
    ]);
  });

  test('[DNS-60] without an upstream the alias is the answer', async () => {
    const server = makeServer(makeParts({ zone: zoneOf(services) }));
    expect(await ask(server, 'out.shop.svc.cluster.local. A')).toEqual([
      'NOERROR aa kubernetes',
      cname('out', 'www.example.com.'),
    ]);
  });

  test('[DNS-62] chains of 8 resolve, chains of 25 end, loops end at once', async () => {
    const chain = (length: number): readonly ZoneService[] =>
      Array.from({ length }, (_, index) =>
        alias(`shop/c${index}`, index === length - 1 ? 'web.shop.svc.cluster.local' : `c${index + 1}.shop.svc.cluster.local`),
      );
    const server = (more: readonly ZoneService[]) => makeServer(makeParts({ zone: zoneOf([web, ...more]) }));
    const eight = await ask(server(chain(8)), 'c0.shop.svc.cluster.local. A');
    expect(eight).toHaveLength(10);
    expect(eight.at(-1)).toBe('web.shop.svc.cluster.local. 30 IN A 10.96.0.80');
    expect((await ask(server(chain(25)), 'c0.shop.svc.cluster.local. A'))[0]).toMatch(/^SERVFAIL/);
    const loops = [
      alias('shop/self', 'self.shop.svc.cluster.local'),
      alias('shop/a', 'b.shop.svc.cluster.local'),
      alias('shop/b', 'a.shop.svc.cluster.local'),
    ];
    for (const service of ['self', 'a', 'b']) {
      const lines = await ask(server(loops), `${service}.shop.svc.cluster.local. A`);
      expect(lines.filter((line) => / A /.test(line))).toEqual([]);
    }
  });

  test('[DNS-62] a chain through two blocks that bite each other ends', async () => {
    const other = makeSettings({ zones: [name('other.test.')] });
    const far = createZone(other, plainOptions);
    far.apply(
      makeChange({ namespaces: [{ name: 'shop', labels: {} }], services: [alias('shop/back', 'there.shop.svc.cluster.local')] }),
    );
    const server = makeServer(
      makeParts({ zone: zoneOf([alias('shop/there', 'back.shop.svc.other.test')]) }),
      makeParts({ zones: [name('other.test.')], zone: far }),
    );
    expect((await ask(server, 'there.shop.svc.cluster.local. A'))[0]).toMatch(/^SERVFAIL/);
  });

  test('[DNS-96] a cut answer of the upstream makes ours cut', async () => {
    const forwarder = upstream(() => answered(['www.example.com. 60 IN A 192.0.2.1'], { truncated: true }));
    expect(await makeServer(parts(forwarder)).resolve(makeRequest('out.shop.svc.cluster.local. A'))).toMatchObject({
      truncated: true,
    });
  });
});
