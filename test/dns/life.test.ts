import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rcode } from '../../src/dns/constants.ts';
import { service } from '../../src/dns/feed.fixture.ts';
import { rootName } from '../../src/dns/name.ts';
import { makeRequest } from '../../src/dns/server.fixture.ts';
import { plainForward, plainHosts, stockKubernetes } from '../../src/dns/settings-default.ts';
import type { DnsSettings, ServerBlock } from '../../src/dns/settings.ts';
import { pollUntil } from '../lab/poll.ts';
import { createTemporaryFolder } from '../lab/temporary-folder.ts';
import { makeQuery, openAsker } from './asker.ts';
import type { Reply } from './asker.ts';
import { countSockets, startLoad, startResolver } from './live-resolver.ts';
import type { LiveResolver } from './live-resolver.ts';
import { makeChange, makeService, makeSlice, toAddress } from '../../src/dns/zone.fixture.ts';
import type { ZoneChange } from '../../src/dns/zone-input.ts';
import { settingsOf } from './live-thread.ts';
import { nameOf, startTalkingUpstream, web, zone } from './messages-cluster.ts';

const settingsWith = (over: Partial<ServerBlock> = {}, ttl = 30): DnsSettings =>
  settingsOf({ kubernetes: { ...stockKubernetes([zone]), ttl }, ...over });

let lastId = 0;

/** Asks on a socket of its own, so that any thread may get it. */
async function askOnce(port: number, text: string): Promise<Reply> {
  using asker = await openAsker('udp', port);
  lastId += 1;
  return await asker.ask(makeQuery(nameOf(text), { id: lastId }));
}

const dataOf = ({ packet }: Reply): readonly unknown[] => (packet.answers ?? []).map((one) => ('data' in one ? one.data : null));

describe('new settings', () => {
  test.each([1, 2])('[DNS-126] come into force under load without the loss of a question: %i threads', async (threads) => {
    await using upstream = await startTalkingUpstream();
    const forward = [{ ...plainForward, suffix: rootName, upstreams: [upstream.upstream] }];
    await using live = await startResolver(settingsWith(), threads);
    const { port, settle, resolver, ready } = live;
    const load = await startLoad(port, { udp: 8, tcp: 4 });
    for (const [ttl, over] of [
      [60, {}],
      [60, { forward }],
      [90, { forward }],
      [30, {}],
      [45, {}],
    ] as const) {
      settle(settingsWith(over, ttl));
      const before = load.answered();
      const code = 'forward' in over ? rcode.NOERROR : rcode.REFUSED;
      await pollUntil('the new settings', async () => {
        const replies = await Promise.all([askOnce(port, 'www.example.test.'), askOnce(port, 'web.shop.svc.cluster.local.')]);
        const [other, own] = replies;
        const isThere =
          (other.bytes.readUInt16BE(2) & 15) === code && own.packet.answers?.some((one) => 'ttl' in one && one.ttl === ttl);
        return isThere === true && load.answered() > before + 100 ? true : null;
      });
    }
    await ready();
    const { retried, lost, replies, answered } = await load.stop();
    expect({ retried, lost }).toEqual({ retried: 0, lost: 0 });
    expect([...replies].toSorted()).toEqual(['0: 30 A', '0: 45 A', '0: 60 A', '0: 90 A']);
    expect(answered).toBeGreaterThan(500);
    expect(resolver.settings.blocks[0]?.kubernetes?.ttl).toBe(45);
  });

  test('[DNS-118] changes of the cluster show within 5 s, denials too', async () => {
    await using live = await startResolver(settingsWith(), 1);
    const { port, update } = live;
    const at = async (text: string): Promise<string> => JSON.stringify(dataOf(await askOnce(port, text)));
    const until = (text: string, expected: readonly string[]): Promise<true> =>
      pollUntil(`${text} ${expected.join()}`, async () => ((await at(text)) === JSON.stringify(expected) ? true : null), {
        timeoutMs: 5000,
      });
    const address = (text: string) => ({ publishedIps: { IPv4: toAddress(text) } });
    expect(await until('two.shop.svc.cluster.local.', [])).toBe(true);
    update(service('web', address('10.96.0.80')), service('two', address('10.96.0.2')));
    expect(await until('two.shop.svc.cluster.local.', ['10.96.0.2'])).toBe(true);
    update(service('web', address('10.96.0.81')), service('two', address('10.96.0.2')));
    expect(await until('web.shop.svc.cluster.local.', ['10.96.0.81'])).toBe(true);
    update(service('two', address('10.96.0.2')));
    expect(await until('web.shop.svc.cluster.local.', [])).toBe(true);
  });
});

describe('a hosts file', () => {
  test('[DNS-111] that changes shows within 5 s; lines that make no sense are passed over', async () => {
    await using folder = await createTemporaryFolder('waypost-hosts-');
    const file = join(folder.path, 'hosts');
    await writeFile(file, '10.0.0.1 printer.lan\n');
    await using live = await startResolver(settingsWith({ hosts: { ...plainHosts, file, fallthrough: [rootName] } }), 1);
    const { port } = live;
    const until = (expected: string): Promise<true> =>
      pollUntil(
        `the address ${expected}`,
        async () => (dataOf(await askOnce(port, 'printer.lan.')).join() === expected ? true : null),
        {
          timeoutMs: 6000,
        },
      );
    expect(await until('10.0.0.1')).toBe(true);
    await writeFile(`${file}.new`, 'nonsense\n10.0.0.300 printer.lan\n\0\n10.0.0.2 printer.lan # the new one\n');
    await rename(`${file}.new`, file);
    expect(await until('10.0.0.2')).toBe(true);
  });
});

describe('the query log', () => {
  test('[DNS-130] is switched on and off while it runs; names are escaped', async () => {
    await using live = await startResolver(settingsWith(), 2);
    const { port, resolver, lines, ready } = live;
    await askOnce(port, 'before.shop.svc.cluster.local.');
    resolver.logQueries(true);
    await pollUntil('the first line', async () => {
      await askOnce(port, 'during.shop.svc.cluster.local.');
      return lines.length > 0 ? true : null;
    });
    await askOnce(port, 'a\\010\\"b.shop.svc.cluster.local.');
    const odd = await pollUntil('the odd name', () => Promise.resolve(lines.find((line) => line.includes('a\\010')) ?? null));
    expect(odd).toMatch(
      /^127\.0\.0\.1:\d+ - \d+ "A IN a\\010\\"b\.shop\.svc\.cluster\.local\. udp \d+ false 512" NXDOMAIN qr,aa,rd \d+ \d+\.\d{9}s$/,
    );
    expect(lines.every((line) => /^[ -~]+$/.test(line) && !line.includes('before'))).toBe(true);
    resolver.logQueries(false);
    await ready();
    // Messages to a thread arrive in order: when it has answered this, it has switched the log.
    await resolver.count();
    const marker = 'after.shop.svc.cluster.local.';
    await askOnce(port, marker);
    resolver.logQueries(true);
    await resolver.count();
    await pollUntil('a line again', async () => {
      await askOnce(port, 'again.shop.svc.cluster.local.');
      return lines.some((line) => line.includes(' again.')) ? true : null;
    });
    expect(lines.some((line) => line.includes(marker))).toBe(false);
  });
});

/** So many that a thread has no time for anything else for a while. */
function manyServices(count: number): ZoneChange {
  const services = Array.from({ length: count }, (_, index) =>
    makeService(`shop/many-${index}`, { kind: 'headless', slices: [makeSlice([`10.1.${index >> 8}.${index & 255}`])] }),
  );
  return makeChange({ services });
}

describe.concurrent('a thread that is lost', () => {
  const faults = {
    'is ended from outside': ({ resolver }: LiveResolver) => resolver.threads[0]?.kill(),
    'is busy and is ended': ({ threads, resolver }: LiveResolver) => {
      threads[0]?.post({ kind: 'change', change: manyServices(40_000) });
      resolver.threads[0]?.kill();
    },
    'meets with a bug': ({ threads }: LiveResolver) => threads[0]?.post(null as never),
  } as const;

  test.each([
    [1, 'is ended from outside'],
    [2, 'is ended from outside'],
    [1, 'is busy and is ended'],
    [1, 'meets with a bug'],
    [2, 'meets with a bug'],
  ] as const)('under load: every client has its answer at the second attempt: one of %i %s', async (threads, fault) => {
    await using live = await startResolver(settingsWith(), threads);
    const { port, resolver, ready, problems } = live;
    expect(countSockets(port)).toEqual({ udp: threads, tcp: threads });
    const load = await startLoad(port, { udp: 8, tcp: 4 });
    faults[fault](live);
    await pollUntil('the end of a thread', () => Promise.resolve(problems.length > 0 ? true : null), { everyMs: 2 });
    await ready();
    const after = load.answered();
    await pollUntil('answers again', () => Promise.resolve(load.answered() > after + 100 ? true : null));
    const { lost, replies, retried } = await load.stop();
    expect({ lost, replies: [...replies] }).toEqual({ lost: 0, replies: ['0: 30 A'] });
    expect(retried).toBeLessThanOrEqual(12);
    expect(countSockets(port)).toEqual({ udp: threads, tcp: threads });
    await resolver.close();
    expect(countSockets(port)).toEqual({ udp: 0, tcp: 0 });
  });
});

describe('people who ask', () => {
  test('see the answer, the stage and the steps to it, and what was counted', async () => {
    await using live = await startResolver(settingsWith(), 1);
    const { resolver, port } = live;
    await askOnce(port, 'web.shop.svc.cluster.local.');
    const explanation = await resolver.ask(makeRequest('web.shop.svc.cluster.local. A'), 53);
    expect(explanation).toMatchObject({ rcode: 0, stage: 'kubernetes', authoritative: true, answer: [{ name: web, ttl: 30 }] });
    expect(explanation?.steps.join()).toMatch(/shop\/web/);
    const [counts] = await resolver.count();
    const requests = counts?.lanes.map(({ server, zone: label, counts: { requests: all } }) => [
      server,
      label,
      all.reduce((sum, one) => sum + one, 0),
    ]);
    expect(requests).toEqual([
      ['dns://127.0.0.1:53', '.', 1],
      ['dns://127.0.0.1:53', 'dropped', 0],
    ]);
    expect(counts?.enabled).toEqual([{ server: 'dns://127.0.0.1:53', zone: '.', names: ['kubernetes'] }]);
  });
});
