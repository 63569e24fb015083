import { describe, expect, test } from 'vitest';
import { listCandidates } from './autopath.ts';
import { createBlockCache } from './block-cache.ts';
import { makeCacheSettings, makeRandom } from './cache.fixture.ts';
import { name } from './forward.fixture.ts';
import { formatName, labelsOf } from './name.ts';
import type { Server } from './server.ts';
import {
  answered,
  ask,
  FakeForwarder,
  forwardTo,
  makeHosts,
  makeParts,
  makeRequest,
  makeServer,
  record,
  soaOf,
} from './server.fixture.ts';
import type { BlockParts } from './server-parts.ts';
import { makeChange, makeService, makeSettings, plainOptions, toAddress } from './zone.fixture.ts';
import { createZone } from './zone.ts';

const cluster = name('cluster.local.');
const search = [name('corp.test.'), name('lan.')];

describe('the names of a search list', () => {
  const texts = (asked: string, namespace = 'shop', list = search): readonly string[] | null =>
    listCandidates(name(asked), namespace, cluster, { search: list })?.map(formatName) ?? null;

  test('[DNS-113] the base with each element, and bare at last', () => {
    expect(texts('www.example.com.shop.svc.cluster.local.')).toEqual([
      'www.example.com.shop.svc.cluster.local.',
      'www.example.com.svc.cluster.local.',
      'www.example.com.cluster.local.',
      'www.example.com.corp.test.',
      'www.example.com.lan.',
      'www.example.com.',
    ]);
    expect(texts('db.shop.svc.cluster.local.', 'shop', [name('.')])).toContain('db.');
  });

  test.each([
    'shop.svc.cluster.local.',
    'svc.cluster.local.',
    'www.example.com.',
    'a.other.svc.cluster.local.',
    'a.xshop.svc.cluster.local.',
  ])('[DNS-113] %s was not made with it', (asked) => {
    expect(texts(asked)).toBe(null);
  });

  test('[DNS-113] names that would be too long are passed over', () => {
    const long = `\x3f${'a'.repeat(63)}`.repeat(3) + '\x0aaaaaaaaaaa';
    const wide = [name(`${'b'.repeat(63)}.`)];
    const candidates = listCandidates(`${long}\x04shop\x03svc${cluster}`, 'shop', cluster, { search: wide });
    expect(candidates?.map(({ length }) => length <= 255)).toEqual([true, true, true, true]);
  });
});

describe('a resolver that walks the search list', () => {
  const pods: Readonly<Record<string, string>> = { '10.244.1.5': 'shop', '10.244.1.6': 'other' };

  /** An upstream that knows these names, of whatever type, and denies the rest. */
  function upstream(...texts: readonly string[]): FakeForwarder {
    const known = texts.map(record);
    return new FakeForwarder(({ name: asked, type }) => {
      const own = known.filter((one) => one.name === asked);
      const answer = own.filter((one) => one.type === type || one.type === 5);
      return answered([], {
        answer,
        rcode: own.length > 0 ? 0 : 3,
        authority: answer.length > 0 ? [] : [soaOf(`${labelsOf(asked).at(-1)}.`)],
      });
    });
  }

  function make(forwarder: FakeForwarder, over: Partial<BlockParts> = {}): Server {
    const zone = createZone(makeSettings(), plainOptions);
    zone.apply(
      makeChange({
        namespaces: [
          { name: 'shop', labels: {} },
          { name: 'other', labels: {} },
        ],
        services: [
          makeService('shop/web', { clusterIps: [toAddress('10.96.0.80')] }),
          makeService('other/db', { clusterIps: [toAddress('10.96.0.90')] }),
          makeService('shop/out', { kind: 'external', externalName: 'www.example.com' }),
        ],
      }),
    );
    const autopath: BlockParts['autopath'] = (asked, source) => {
      const namespace = pods[source];
      return namespace === undefined ? null : listCandidates(asked, namespace, cluster, { search });
    };
    return makeServer(makeParts({ zone, autopath, forward: [forwardTo(forwarder)], ...over }));
  }

  const from = (source: string): { readonly source: string } => ({ source });
  const shop = from('10.244.1.5');

  test.each([
    ['the first', 'web.shop.svc.cluster.local. A', ['NOERROR aa kubernetes', 'web.shop.svc.cluster.local. 30 IN A 10.96.0.80']],
    [
      'the second',
      'db.other.shop.svc.cluster.local. A',
      [
        'NOERROR aa autopath',
        'db.other.shop.svc.cluster.local. 30 IN CNAME db.other.svc.cluster.local.',
        'db.other.svc.cluster.local. 30 IN A 10.96.0.90',
      ],
    ],
    [
      'the third',
      'db.other.svc.shop.svc.cluster.local. A',
      [
        'NOERROR aa autopath',
        'db.other.svc.shop.svc.cluster.local. 30 IN CNAME db.other.svc.cluster.local.',
        'db.other.svc.cluster.local. 30 IN A 10.96.0.90',
      ],
    ],
    [
      'one of the node',
      'intranet.shop.svc.cluster.local. A',
      [
        'NOERROR autopath',
        'intranet.shop.svc.cluster.local. 40 IN CNAME intranet.corp.test.',
        'intranet.corp.test. 40 IN A 192.0.2.1',
      ],
    ],
    [
      'the bare name',
      'www.example.com.shop.svc.cluster.local. A',
      [
        'NOERROR autopath',
        'www.example.com.shop.svc.cluster.local. 60 IN CNAME www.example.com.',
        'www.example.com. 60 IN A 192.0.2.2',
      ],
    ],
  ])('[DNS-113] %s answers', async (_, question, expected) => {
    const server = make(upstream('intranet.corp.test. 40 IN A 192.0.2.1', 'www.example.com. 60 IN A 192.0.2.2'));
    expect(await ask(server, question, shop)).toEqual(expected);
  });

  test('[DNS-113] AAAA too; no data is an answer, here and further down the list', async () => {
    const server = make(upstream('intranet.corp.test. 40 IN A 192.0.2.1', 'intranet. 40 IN AAAA 2001:db8::1'));
    expect((await ask(server, 'web.shop.svc.cluster.local. AAAA', shop)).slice(0, 2)).toEqual([
      'NOERROR aa kubernetes',
      expect.stringMatching(/^authority: cluster\.local\./),
    ]);
    const lines = await ask(server, 'intranet.shop.svc.cluster.local. AAAA', shop);
    expect(lines.slice(0, 2)).toEqual([
      'NOERROR autopath',
      expect.stringMatching(/^intranet\.shop\.svc\.cluster\.local\. \d+ IN CNAME intranet\.corp\.test\.$/),
    ]);
    expect(lines[2]).toMatch(/^authority: test\./);
  });

  test('[DNS-113] where all are missing the first denial is the answer', async () => {
    const forwarder = upstream();
    const lines = await ask(make(forwarder), 'nothing.example.com.shop.svc.cluster.local. A', shop);
    expect(lines).toEqual(['NXDOMAIN aa kubernetes', expect.stringMatching(/^authority: cluster\.local\./)]);
    expect(forwarder.names).toEqual(['nothing.example.com.corp.test.', 'nothing.example.com.lan.', 'nothing.example.com.']);
  });

  test('[DNS-113] a failure on the way is the answer: what comes behind it is not known to be right', async () => {
    const forwarder = new FakeForwarder(() => ({ kind: 'failed', reason: 'x' }));
    expect((await ask(make(forwarder), 'www.example.com.shop.svc.cluster.local. A', shop))[0]).toMatch(/^SERVFAIL/);
    expect(forwarder.names).toEqual(['www.example.com.corp.test.']);
  });

  test.each([
    ['an unknown source', 'www.example.com.shop.svc.cluster.local. A', '10.244.9.9'],
    ['a pod of another namespace', 'www.example.com.shop.svc.cluster.local. A', '10.244.1.6'],
    ['another type', 'www.example.com.shop.svc.cluster.local. MX', '10.244.1.5'],
    ['the element itself', 'shop.svc.cluster.local. A', '10.244.1.5'],
    ['the second element', 'www.example.com.svc.cluster.local. A', '10.244.1.5'],
  ])('[DNS-113] plain processing: %s', async (_, question, source) => {
    const forwarder = upstream('www.example.com. 60 IN A 192.0.2.2');
    const lines = await ask(make(forwarder), question, from(source));
    expect(lines[0]).toMatch(/^(NXDOMAIN|NOERROR) aa kubernetes$/);
    expect(lines.some((line) => line.includes('CNAME'))).toBe(false);
    expect(forwarder.asked).toEqual([]);
  });

  test('[DNS-113] no second alias where the first name is one itself', async () => {
    const lines = await ask(make(upstream('www.example.com. 60 IN A 192.0.2.2')), 'out.shop.svc.cluster.local. A', shop);
    expect(lines).toEqual([
      'NOERROR aa kubernetes',
      'out.shop.svc.cluster.local. 30 IN CNAME www.example.com.',
      'www.example.com. 60 IN A 192.0.2.2',
    ]);
  });

  test('[DNS-113] names of the list go through all stages: hosts, the cache', async () => {
    let now = 0;
    const forwarder = upstream('www.example.com. 60 IN A 192.0.2.2');
    const cache = createBlockCache(
      makeCacheSettings({ disableSuccess: [cluster], disableDenial: [cluster] }),
      () => now,
      makeRandom(),
    );
    const server = make(forwarder, { cache, hosts: makeHosts('10.0.0.7 printer.lan') });
    expect(await ask(server, 'printer.shop.svc.cluster.local. A', shop)).toContain('printer.lan. 3600 IN A 10.0.0.7');
    await ask(server, 'www.example.com.shop.svc.cluster.local. A', shop);
    const before = forwarder.asked.length;
    now = 20_000;
    expect(await ask(server, 'www.example.com.shop.svc.cluster.local. A', shop)).toEqual([
      'NOERROR autopath',
      'www.example.com.shop.svc.cluster.local. 40 IN CNAME www.example.com.',
      'www.example.com. 40 IN A 192.0.2.2',
    ]);
    expect(forwarder.asked.length).toBe(before);
  });

  test('[DNS-113] nothing of it is kept for others', async () => {
    const server = make(upstream('www.example.com. 60 IN A 192.0.2.2'));
    for (const [question, source] of [
      ['www.example.com.shop.svc.cluster.local. A', '10.244.1.5'],
      ['www.example.com.shop.svc.cluster.local. A', '10.244.9.9'],
      ['nothing.shop.svc.cluster.local. A', '10.244.1.5'],
      ['nothing.shop.svc.cluster.local. A', '10.244.9.9'],
    ] as const)
      expect(await server.resolve(makeRequest(question, from(source)))).toMatchObject({ lease: null, term: null });
  });
});
