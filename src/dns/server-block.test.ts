import { describe, expect, test } from 'vitest';
import { createBlockCache } from './block-cache.ts';
import { makeCacheSettings, makeRandom } from './cache.fixture.ts';
import { name } from './forward.fixture.ts';
import {
  always,
  answered,
  ask,
  FakeForwarder,
  forwardTo,
  makeHosts,
  makeParts,
  makeServer,
  soaOf,
  web,
  zoneOf,
} from './server.fixture.ts';
import { rootName } from './name.ts';
import { compileRewrite } from './rewrite.ts';
import type { BlockParts } from './server-parts.ts';
import type { RewriteRule, TemplateRule } from './settings.ts';
import { compileTemplates } from './template.ts';
import { makeChange } from './zone.fixture.ts';

function template(over: Partial<TemplateRule>): NonNullable<BlockParts['templates']> {
  return compileTemplates([
    {
      zones: [rootName],
      type: null,
      match: [],
      answer: [],
      additional: [],
      authority: [],
      rcode: 0,
      fallthrough: [rootName],
      ...over,
    },
  ]);
}

const exact = (from: string, to: string): RewriteRule => ({
  matches: { kind: 'name', how: 'exact', from, to, answers: 'auto' },
  after: 'stop',
});

describe('the order of stages', () => {
  test('[DNS-111][DNS-110] templates, hosts, our zones, stub domains, the default upstream, refusal', async () => {
    const question = 'web.shop.svc.cluster.local. A';
    const zone = zoneOf([web]);
    const stub = forwardTo(always('10.0.0.4'), 'cluster.local.');
    const rest = forwardTo(always('10.0.0.5'));
    const templates = template({ match: ['^web\\.'], answer: ['{{ .Name }} 60 IN A 10.0.0.1'] });
    const hosts = makeHosts('10.0.0.2 web.shop.svc.cluster.local');
    const first = async (parts: Partial<BlockParts>): Promise<string | undefined> =>
      (await ask(makeServer(makeParts(parts)), question))[1];
    expect(await first({ templates, hosts, zone, forward: [rest, stub] })).toMatch(/10\.0\.0\.1$/);
    expect(await first({ hosts, zone, forward: [rest, stub] })).toMatch(/10\.0\.0\.2$/);
    expect(await first({ zone, forward: [rest, stub] })).toMatch(/10\.96\.0\.80$/);
    expect(await first({ forward: [rest, stub] })).toMatch(/10\.0\.0\.4$/);
    expect(await first({ forward: [rest] })).toMatch(/10\.0\.0\.5$/);
    expect(await ask(makeServer(makeParts()), question)).toEqual(['REFUSED']);
  });

  test('[DNS-111] an unlisted name goes on behind hosts, a listed one without the type does not', async () => {
    const server = makeServer(makeParts({ hosts: makeHosts('10.0.0.2 printer.test'), forward: [forwardTo(always('10.0.0.5'))] }));
    expect(await ask(server, 'Printer.Test. A')).toEqual(['NOERROR aa hosts', 'printer.test. 3600 IN A 10.0.0.2']);
    expect(await ask(server, 'printer.test. AAAA')).toEqual([expect.stringMatching(/^NOERROR.* hosts$/)]);
    expect(await ask(server, '2.0.0.10.in-addr.arpa. PTR')).toContain('2.0.0.10.in-addr.arpa. 3600 IN PTR printer.test.');
    expect(await ask(server, 'scanner.test. A')).toEqual(['NOERROR forward', 'scanner.test. 60 IN A 10.0.0.5']);
  });

  test('[DNS-114] without an upstream other names are refused, and reverse names of nobody too', async () => {
    const server = makeServer(makeParts({ zone: zoneOf([web]) }));
    for (const question of ['example.com. A', 'local. A', '. NS', 'xcluster.local. A', '9.9.9.10.in-addr.arpa. PTR'])
      expect(await ask(server, question)).toEqual(['REFUSED']);
  });

  test('a question belongs to the block with the longest zone', async () => {
    const blocks = [
      makeParts({ forward: [forwardTo(always('10.0.0.1'))] }),
      makeParts({ zones: [name('a.test.')], forward: [forwardTo(always('10.0.0.2'))] }),
      makeParts({ zones: [name('test.')], forward: [forwardTo(always('10.0.0.3'))] }),
    ];
    const server = makeServer(...blocks);
    for (const [question, address] of [
      ['b.A.test. A', '10.0.0.2'],
      ['xa.test. A', '10.0.0.3'],
      ['example.com. A', '10.0.0.1'],
    ] as const)
      expect((await ask(server, question))[1]).toContain(address);
    expect(await ask(makeServer(...blocks.slice(1)), 'example.com. A')).toEqual(['REFUSED']);
  });

  test('[DNS-125] our own probe that comes back is not sent on', async () => {
    const forwarder = new FakeForwarder();
    const loops = ({ name: asked }: { name: string }): boolean => asked === name('probe.');
    const server = makeServer(makeParts({ forward: [forwardTo(forwarder)], loops }));
    expect(await ask(server, 'probe. HINFO')).toEqual(['SERVFAIL forward']);
    expect(forwarder.asked).toEqual([]);
  });
});

describe('rewriting', () => {
  test('[DNS-112] the answer is for the name that was asked; names below an exact rule are left alone', async () => {
    const server = makeServer(
      makeParts({
        zone: zoneOf([web]),
        rewrite: compileRewrite([exact('shop.example.com.', 'web.shop.svc.cluster.local.')]),
        forward: [forwardTo(always('10.0.0.5'))],
      }),
    );
    expect(await ask(server, 'Shop.example.com. A')).toEqual([
      'NOERROR aa kubernetes',
      expect.stringMatching(/^shop\.example\.com\. 30 IN A 10\.96\.0\.80$/i),
    ]);
    expect(await ask(server, 'www.shop.example.com. A')).toEqual(['NOERROR forward', 'www.shop.example.com. 60 IN A 10.0.0.5']);
    expect(await ask(server, 'example.com. A')).toEqual(['NOERROR forward', 'example.com. 60 IN A 10.0.0.5']);
  });

  test('[DNS-112] a rewritten name is not rewritten again, in whichever block it is', async () => {
    const rules = [exact('a.test.', 'b.test.'), exact('b.test.', 'a.test.')];
    const forwarder = always('10.0.0.5');
    const server = makeServer(
      makeParts({ rewrite: compileRewrite(rules), forward: [forwardTo(forwarder)] }),
      makeParts({ zones: [name('b.test.')], rewrite: compileRewrite(rules), forward: [forwardTo(forwarder)] }),
    );
    expect(await ask(server, 'a.test. A')).toEqual(['NOERROR forward', 'a.test. 60 IN A 10.0.0.5']);
    expect(forwarder.names).toEqual(['b.test.']);
  });

  test('[DNS-112] what a cache keeps is the answer to the name behind the rule, aged for both', async () => {
    let now = 0;
    const forwarder = always('10.0.0.5');
    const cache = createBlockCache(makeCacheSettings(), () => now, makeRandom());
    const server = makeServer(
      makeParts({ rewrite: compileRewrite([exact('a.test.', 'b.test.')]), cache, forward: [forwardTo(forwarder)] }),
    );
    await ask(server, 'b.test. A');
    now = 20_000;
    expect(await ask(server, 'a.test. A')).toEqual(['NOERROR cache', 'a.test. 40 IN A 10.0.0.5']);
    expect(forwarder.names).toEqual(['b.test.']);
  });
});

describe('templates', () => {
  test('[DNS-112] fixed codes and records, and aliases that lead on', async () => {
    const zone = zoneOf([web]);
    const forward = [forwardTo(always('10.0.0.5'))];
    const denied = makeServer(makeParts({ forward, templates: template({ zones: [name('lan.')], rcode: 3 }) }));
    expect(await ask(denied, 'a.lan. A')).toEqual([expect.stringMatching(/^NXDOMAIN/)]);
    expect(await ask(denied, 'a.test. A')).toEqual(['NOERROR forward', 'a.test. 60 IN A 10.0.0.5']);
    const templates = template({
      match: ['^([a-z]+)\\.alias\\.$'],
      answer: ['{{ .Name }} 60 IN CNAME web.shop.svc.cluster.local.'],
    });
    const led = makeServer(makeParts({ forward, zone, templates }));
    expect(await ask(led, 'x.alias. A')).toEqual([
      'NOERROR aa template',
      'x.alias. 60 IN CNAME web.shop.svc.cluster.local.',
      'web.shop.svc.cluster.local. 30 IN A 10.96.0.80',
    ]);
  });

  test('[DNS-62] a template whose aliases lead on and on ends', async () => {
    const templates = template({ answer: ['{{ .Name }} 60 IN CNAME x{{ .Name }}'] });
    const [first] = await ask(makeServer(makeParts({ templates })), 'a.loop. A');
    expect(first).toMatch(/^SERVFAIL/);
  });
});

describe('upstreams', () => {
  test('[DNS-110] the longest suffix at a label boundary, in any case and depth, its apex too', async () => {
    const forward = [
      forwardTo(always('10.0.0.1')),
      forwardTo(always('10.0.0.2'), 'stub.test.', ['not.stub.test.']),
      forwardTo(always('10.0.0.3'), 'deep.stub.test.'),
      forwardTo(always('10.0.0.4'), 'stub.test.'),
    ];
    const server = makeServer(makeParts({ forward }));
    for (const [asked, address] of [
      ['stub.test.', '10.0.0.2'],
      ['a.b.c.STUB.test.', '10.0.0.2'],
      ['deep.stub.test.', '10.0.0.3'],
      ['x.Deep.stub.test.', '10.0.0.3'],
      ['xstub.test.', '10.0.0.1'],
      ['test.', '10.0.0.1'],
      ['a.not.stub.test.', '10.0.0.4'],
    ] as const)
      expect((await ask(server, `${asked} A`))[1]).toMatch(new RegExp(`${address}$`));
  });

  test('[DNS-110] what a stub domain denies is not asked for elsewhere', async () => {
    const rest = always('10.0.0.1');
    const stub = new FakeForwarder(() => answered([], { rcode: 3, authority: [soaOf('stub.test.')] }));
    const server = makeServer(makeParts({ forward: [forwardTo(rest), forwardTo(stub, 'stub.test.')] }));
    expect((await ask(server, 'a.stub.test. A'))[0]).toBe('NXDOMAIN forward');
    stub.answer = () => ({ kind: 'failed', reason: 'x' });
    expect(await ask(server, 'b.stub.test. A')).toEqual(['SERVFAIL forward']);
    expect(rest.asked).toEqual([]);
  });

  test('[DNS-93][DNS-94] what an upstream says is passed on, dangling aliases too', async () => {
    const soa = soaOf('test.');
    const forwarder = new FakeForwarder(() => answered(['a.test. 60 IN CNAME b.test.'], { rcode: 3, authority: [soa] }));
    const server = makeServer(makeParts({ forward: [forwardTo(forwarder)] }));
    expect(await ask(server, 'A.test. TYPE65280', { dnssecOk: true, checkingDisabled: true, stream: true })).toEqual([
      'NXDOMAIN forward',
      'a.test. 60 IN CNAME b.test.',
      'authority: test. 300 IN SOA ns.test. admin.test. 1 2 3 4 60',
    ]);
    expect(forwarder.asked).toEqual([
      { name: name('A.test.'), type: 65_280, dnssecOk: true, checkingDisabled: true, stream: true },
    ]);
  });

  test('[DNS-95] failures stay failures', async () => {
    const forwarder = new FakeForwarder(() => ({ kind: 'failed', reason: 'x' }));
    const server = makeServer(makeParts({ forward: [forwardTo(forwarder)] }));
    expect(await ask(server, 'a.test. A')).toEqual(['SERVFAIL forward']);
    for (const [code, text] of [
      [2, 'SERVFAIL'],
      [5, 'REFUSED'],
      [4, 'NOTIMP'],
      [1, 'FORMERR'],
    ] as const) {
      forwarder.answer = () => answered([], { rcode: code });
      expect(await ask(server, 'a.test. A')).toEqual([`${text} forward`]);
    }
    forwarder.answer = () => ({ kind: 'overloaded' });
    expect(await ask(server, 'a.test. A')).toEqual(['REFUSED forward']);
  });

  test('[DNS-20] names of ours that are missing are not asked for elsewhere, those of the reverse zones are', async () => {
    const forwarder = always('10.0.0.5');
    const server = makeServer(makeParts({ zone: zoneOf([web]), forward: [forwardTo(forwarder)] }));
    for (const asked of ['wbe.shop.svc.cluster.local.', 'example.com.shop.svc.cluster.local.', 'foo.cluster.local.'])
      expect((await ask(server, `${asked} A`))[0]).toBe('NXDOMAIN aa kubernetes');
    expect(forwarder.asked).toEqual([]);
    await ask(server, '9.9.9.10.in-addr.arpa. PTR');
    expect(forwarder.names).toEqual(['9.9.9.10.in-addr.arpa.']);
  });

  test('[DNS-14] ANY is answered with one record and not forwarded', async () => {
    const forwarder = always('10.0.0.5');
    const server = makeServer(makeParts({ zone: zoneOf([web]), forward: [forwardTo(forwarder)] }));
    expect(await ask(server, 'example.com. ANY')).toEqual(['NOERROR', 'example.com. 3600 IN HINFO "RFC8482" ""']);
    expect((await ask(server, 'web.shop.svc.cluster.local. ANY')).length).toBeLessThanOrEqual(2);
    expect(forwarder.asked).toEqual([]);
  });
});

describe('before the cluster is known', () => {
  const unsynced = (over: Partial<BlockParts> = {}): BlockParts =>
    makeParts({
      zone: zoneOf([web], {}, { synced: false }),
      hosts: makeHosts('10.0.0.7 printer.lan'),
      forward: [forwardTo(always('10.0.0.5')), forwardTo(always('10.0.0.9'), 'stub.test.')],
      ...over,
    });

  test.each([
    ['web.shop.svc.cluster.local. A', 'SERVFAIL'],
    ['wbe.shop.svc.cluster.local. A', 'SERVFAIL'],
    ['shop.svc.cluster.local. TXT', 'SERVFAIL'],
    ['10-1-2-3.shop.pod.cluster.local. A', 'SERVFAIL'],
    ['80.0.96.10.in-addr.arpa. PTR', 'SERVFAIL'],
    ['9.9.9.9.in-addr.arpa. PTR', 'SERVFAIL'],
    ['cluster.local. SOA', 'NOERROR'],
    ['svc.cluster.local. A', 'NOERROR'],
    ['dns-version.cluster.local. TXT', 'NOERROR'],
    ['foo.cluster.local. A', 'NXDOMAIN'],
    ['example.com. A', 'NOERROR'],
    ['box.stub.test. A', 'NOERROR'],
    ['printer.lan. A', 'NOERROR'],
  ])('[DNS-116] %s: %s', async (question, code) => {
    expect((await ask(makeServer(unsynced()), question))[0]?.split(' ')[0]).toBe(code);
  });

  test('[DNS-116] refusals work, and the failure is not kept, not even where our own data is', async () => {
    expect(await ask(makeServer(unsynced({ forward: [] })), 'example.com. A')).toEqual(['REFUSED']);
    const parts = unsynced({ cache: createBlockCache(makeCacheSettings(), () => 0, makeRandom()) });
    const server = makeServer(parts);
    expect(await ask(server, 'web.shop.svc.cluster.local. A')).toEqual([expect.stringMatching(/^SERVFAIL/)]);
    parts.zone?.apply(makeChange());
    expect(await ask(server, 'web.shop.svc.cluster.local. A')).toContain('web.shop.svc.cluster.local. 30 IN A 10.96.0.80');
  });
});

describe('names that many stand for', () => {
  test('[DNS-121] wildcards answer with the name that was asked', async () => {
    const server = makeServer(makeParts({ zone: zoneOf([web], { wildcards: true }) }));
    for (const asked of ['*.shop.svc.cluster.local.', 'web.any.svc.cluster.local.'])
      expect(await ask(server, `${asked} A`)).toEqual(['NOERROR aa kubernetes', `${asked} 30 IN A 10.96.0.80`]);
    expect((await ask(makeServer(makeParts({ zone: zoneOf([web]) })), '*.shop.svc.cluster.local. A'))[0]).toBe(
      'NXDOMAIN aa kubernetes',
    );
  });
});
