import { decode } from 'dns-packet';
import { describe, expect, test } from 'vitest';
import { addRequestMetrics, addTurnMetrics } from '../../src/observe/mod.ts';
import { readSamplesWithForeignParser, readWithForeignParser } from '../../src/observe/foreign-parser.fixture.ts';
import type { ForeignFamily } from '../../src/observe/foreign-parser.fixture.ts';
import { startUpstream } from '../../src/dns/upstream.fixture.ts';
import { parseName } from '../../src/dns/name.ts';
import { makeQuery, openAsker } from './asker.ts';
import { namespaceObject, serviceIn, slicesIn } from './system-lab.ts';
import { ready } from '../packets/objects.ts';
import dnsPacket from 'dns-packet';
import { startLoopbackResolver } from './system-resolver.ts';
import type { LoopbackResolver } from './system-resolver.ts';

const place = 'server view zone';
const durations = '0.00025 0.0005 0.001 0.002 0.004 0.008 0.016 0.032 0.064 0.128 0.256 0.512 1.024 2.048 4.096 8.192 +Inf';
const sizes = '0 100 200 300 400 511 1023 2047 4095 8291 16000 32000 48000 64000 +Inf';
const client = '0.005 0.025 0.1 0.25 0.5 1 2 4 8 15 30 60 +Inf';
const programming = `${Array.from({ length: 20 }, (_, power) => String(0.001 * 2 ** power)).join(' ')} +Inf`;

/**
 * Specification 19 written out by hand: name, type, labels, bounds of a histogram, and whether there are series before the
 * first question, as there must be where all label values are known.
 */
const table: readonly (readonly [string, ForeignFamily['type'], string, 'at once' | 'with the first', string?])[] = [
  ['coredns_build_info', 'GAUGE', 'goversion revision version', 'at once'],
  ['coredns_panics_total', 'COUNTER', '', 'at once'],
  ['coredns_plugin_enabled', 'GAUGE', 'name server view zone', 'at once'],
  ['coredns_dns_requests_total', 'COUNTER', 'family proto server type view zone', 'with the first'],
  ['coredns_dns_responses_total', 'COUNTER', 'plugin rcode server view zone', 'with the first'],
  ['coredns_dns_request_duration_seconds', 'HISTOGRAM', place, 'at once', durations],
  ['coredns_dns_request_size_bytes', 'HISTOGRAM', 'proto server view zone', 'at once', sizes],
  ['coredns_dns_response_size_bytes', 'HISTOGRAM', 'proto server view zone', 'at once', sizes],
  ['coredns_dns_do_requests_total', 'COUNTER', place, 'at once'],
  ['coredns_cache_entries', 'GAUGE', 'server type view zones', 'at once'],
  ['coredns_cache_hits_total', 'COUNTER', 'server type view zones', 'at once'],
  ['coredns_cache_misses_total', 'COUNTER', 'server view zones', 'at once'],
  ['coredns_cache_requests_total', 'COUNTER', 'server view zones', 'at once'],
  ['coredns_cache_prefetch_total', 'COUNTER', 'server view zones', 'at once'],
  ['coredns_cache_drops_total', 'COUNTER', 'server view zones', 'at once'],
  ['coredns_cache_served_stale_total', 'COUNTER', 'server view zones', 'at once'],
  ['coredns_cache_evictions_total', 'COUNTER', 'server view zones', 'at once'],
  ['coredns_forward_healthcheck_broken_total', 'COUNTER', '', 'at once'],
  ['coredns_forward_max_concurrent_rejects_total', 'COUNTER', '', 'at once'],
  ['coredns_proxy_request_duration_seconds', 'HISTOGRAM', 'proxy_name rcode to', 'with the first', durations],
  ['coredns_proxy_healthcheck_failures_total', 'COUNTER', 'proxy_name to', 'at once'],
  ['coredns_proxy_conn_cache_hits_total', 'COUNTER', 'proto proxy_name to', 'at once'],
  ['coredns_proxy_conn_cache_misses_total', 'COUNTER', 'proto proxy_name to', 'at once'],
  ['coredns_hosts_entries', 'GAUGE', '', 'at once'],
  ['coredns_hosts_reload_timestamp_seconds', 'GAUGE', '', 'at once'],
  ['coredns_health_request_duration_seconds', 'HISTOGRAM', '', 'at once', durations],
  ['coredns_health_request_failures_total', 'COUNTER', '', 'at once'],
  ['coredns_reload_failed_total', 'COUNTER', '', 'at once'],
  ['coredns_autopath_success_total', 'COUNTER', 'server', 'at once'],
  ['coredns_kubernetes_dns_programming_duration_seconds', 'HISTOGRAM', 'service_kind', 'at once', programming],
  ['coredns_kubernetes_rest_client_requests_total', 'COUNTER', 'code host method', 'with the first'],
  ['coredns_kubernetes_rest_client_request_duration_seconds', 'HISTOGRAM', 'host verb', 'with the first', client],
  ['coredns_kubernetes_rest_client_rate_limiter_duration_seconds', 'HISTOGRAM', 'host verb', 'with the first', client],
];

const address = '198.51.100.1';

async function startAll(
  threads = 1,
): Promise<{ readonly dns: LoopbackResolver; readonly upstream: Awaited<ReturnType<typeof startUpstream>> }> {
  const upstream = await startUpstream(({ bytes, packet }, { send }) => {
    const [first] = packet.questions ?? [];
    const answers =
      first?.name.startsWith('nx') === true ? [] : [{ type: 'A' as const, name: first?.name ?? '', ttl: 60, data: address }];
    const flags = 0x0180 | (answers.length === 0 ? 3 : 0);
    const soa = { mname: 'ns.test', rname: 'x.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 60 };
    const authorities = answers.length > 0 ? [] : [{ type: 'SOA' as const, name: 'test', ttl: 60, data: soa }];
    send(
      dnsPacket.encode({
        type: 'response',
        id: decode(Buffer.from(bytes)).id ?? 0,
        flags,
        questions: packet.questions ?? [],
        answers,
        authorities,
      }),
    );
  });
  const { port } = upstream.upstream;
  const dns = await startLoopbackResolver(
    `.:53 {\n  kubernetes cluster.local in-addr.arpa ip6.arpa {\n    pods insecure\n    ttl 30\n  }\n  hosts {\n    192.0.2.9 listed.test\n    fallthrough\n  }\n  forward . 127.0.0.1:${port}\n  cache 30 {\n    disable success cluster.local\n    disable denial cluster.local\n  }\n  loadbalance\n  prometheus\n}\n`,
    threads,
  );
  await dns.put(...['shop'].map(namespaceObject), serviceIn('shop', 'web', 1), ...slicesIn('shop', 'web', [ready('p1')]));
  return { dns, upstream };
}

function question(name: string, id: number, parts: Omit<Parameters<typeof makeQuery>[1] & object, 'id'> = {}): Buffer {
  return makeQuery(parseName(`${name}.`) ?? '\0', { id, ...parts });
}

const own = 'web.shop.svc.cluster.local';
const edns = { size: 1232, flags: 0x8000 };

/** Eleven questions and a datagram that is none. */
async function askAll({ port }: LoopbackResolver): Promise<void> {
  using udp = await openAsker('udp', port);
  using tcp = await openAsker('tcp', port);
  await udp.ask(question(own, 1));
  await tcp.ask(question(own, 2, { edns }));
  await udp.ask(question(`missing.${own}`, 3));
  await udp.ask(question('some.test', 4));
  await udp.ask(question('some.test', 5));
  await tcp.ask(question('some.test', 6, { edns }));
  await udp.ask(question('nx.test', 7, { type: 28 }));
  await udp.ask(question('nx.test', 8, { type: 28 }));
  await udp.ask(question('listed.test', 9));
  udp.send(Buffer.from('nonsense'));
  await udp.ask(question('version.bind', 10, { type: 16, class: 3 }));
  await udp.ask(question(own, 11, { type: 65_280 }));
}

interface Samples {
  /** The sum of all series of a name whose labels have these values. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

/** The parser that is not ours joins what belongs to a histogram; here each line counts for itself. */
function read(text: string): Samples {
  const lines = text.split('\n').map((line) => /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line));
  return {
    sum: (name, labels = {}) =>
      lines
        .filter((line) => line?.[1] === name)
        .filter((line) => Object.entries(labels).every(([key, value]) => `,${line?.[2]},`.includes(`,${key}="${value}",`)))
        .reduce((total, line) => total + Number(line?.[3]), 0),
  };
}

describe('[DNS-119] metrics', () => {
  test('every one of the specification is served with its type, labels and bounds; those whose labels are known from the start', async () => {
    const { dns, upstream } = await startAll();
    await using resolver = dns;
    await using stand = upstream;
    expect(stand.seen).toEqual([]);
    const request = addRequestMetrics(resolver.registry, 'coredns_kubernetes_');
    const turn = addTurnMetrics(resolver.registry, 'coredns_kubernetes_');
    const early = await resolver.registry.gather();
    const wantedEarly = table.filter(([, , , when]) => when === 'at once').map(([name]) => name);
    const namesOf = (text: string): readonly string[] =>
      [...readWithForeignParser(text).keys()].filter((name) => name.startsWith('coredns_'));
    expect(namesOf(early).toSorted()).toEqual(wantedEarly.toSorted());
    await askAll(resolver);
    request({ method: 'GET', host: '192.0.2.1:6443', code: '200', took: 12 });
    turn({ method: 'GET', host: '192.0.2.1:6443', waited: 0 });
    const text = await resolver.registry.gather();
    const samples = readSamplesWithForeignParser(text);
    const families = readWithForeignParser(text);
    expect(namesOf(text).toSorted()).toEqual(table.map(([name]) => name).toSorted());
    for (const [name, type, labels, , bounds] of table) {
      const family = families.get(name);
      const labelled = samples.get(bounds === undefined ? name : `${name}_count`)?.metrics[0]?.labels ?? {};
      const found = [name, family?.type, Object.keys(labelled).toSorted().join(' '), boundsOf(family)];
      expect(found).toEqual([name, type, labels, bounds ?? '']);
    }
  });

  test.each([1, 2])(
    'with %i threads each question is counted once, where it belongs, however often it is read',
    async (threads) => {
      const { dns, upstream } = await startAll(threads);
      await using resolver = dns;
      await using _ = upstream;
      await askAll(resolver);
      await resolver.registry.gather();
      const { sum } = read(await resolver.registry.gather());
      const server = 'dns://127.0.0.1:53';
      const at = { server, zone: '.', view: '' };
      const requests = (labels: Readonly<Record<string, string>>): number =>
        sum('coredns_dns_requests_total', { ...at, ...labels });
      expect([requests({}), sum('coredns_dns_requests_total')]).toEqual([11, 11]);
      expect([
        requests({ proto: 'udp' }),
        requests({ proto: 'tcp' }),
        requests({ family: '1' }),
        requests({ family: '2' }),
      ]).toEqual([9, 2, 11, 0]);
      expect([
        requests({ type: 'A' }),
        requests({ type: 'AAAA' }),
        requests({ type: 'TXT' }),
        requests({ type: 'other' }),
      ]).toEqual([7, 2, 1, 1]);
      const responses = (labels: Readonly<Record<string, string>>): number =>
        sum('coredns_dns_responses_total', { ...at, ...labels });
      expect(responses({})).toBe(11);
      expect([responses({ rcode: 'NOERROR' }), responses({ rcode: 'NXDOMAIN' }), responses({ rcode: 'REFUSED' })]).toEqual([
        7, 3, 1,
      ]);
      expect([responses({ plugin: 'kubernetes' }), responses({ plugin: 'hosts' }), responses({ plugin: '' })]).toEqual([4, 1, 1]);
      // Each thread has a cache: a second question is a hit where the same thread got it.
      const hits = sum('coredns_cache_hits_total');
      expect([responses({ plugin: 'forward' }) + responses({ plugin: 'cache' }), responses({ plugin: 'cache' })]).toEqual([
        5,
        hits,
      ]);
      const kinds = ['success', 'denial'].map((type) => [
        sum('coredns_cache_hits_total', { type }),
        sum('coredns_cache_entries', { type }),
      ]);
      if (threads === 1 && JSON.stringify(kinds) !== '[[1,2],[1,1]]') throw new Error(`not as counted: ${JSON.stringify(kinds)}`);
      expect(sum('coredns_cache_requests_total')).toBe(hits + sum('coredns_cache_misses_total'));
      expect(sum('coredns_dns_do_requests_total', at)).toBe(2);
      expect(sum('coredns_dns_request_duration_seconds_count')).toBe(11);
      for (const side of ['request', 'response']) {
        const size = `coredns_dns_${side}_size_bytes`;
        expect([sum(`${size}_count`, { proto: 'udp' }), sum(`${size}_count`, { proto: 'tcp' })]).toEqual([9, 2]);
      }
      const octets = [own, `missing.${own}`, 'some.test', 'some.test', 'nx.test', 'nx.test', 'listed.test', 'version.bind', own];
      const expected = octets.reduce((total, name) => total + name.length + 2 + 16, 0);
      expect(sum('coredns_dns_request_size_bytes_sum', { proto: 'udp' })).toBe(expected);
      expect(sum('waypost_dns_dropped_total', { zone: 'dropped' })).toBe(1);
      const to = `127.0.0.1:${upstream.upstream.port}`;
      const asked = upstream.seen.length;
      expect(sum('coredns_proxy_request_duration_seconds_count', { proxy_name: 'forward', to })).toBe(asked);
      expect(asked).toBe(5 - hits);
      expect(
        sum('coredns_proxy_conn_cache_misses_total', { to, proto: 'udp' }) +
          sum('coredns_proxy_conn_cache_misses_total', { to, proto: 'tcp' }) +
          sum('coredns_proxy_conn_cache_hits_total', { to }),
      ).toBe(asked);
      expect([sum('coredns_hosts_entries'), sum('coredns_panics_total')]).toEqual([1, 0]);
      for (const name of ['kubernetes', 'cache', 'forward', 'hosts', 'loadbalance'])
        expect(sum('coredns_plugin_enabled', { ...at, name })).toBe(1);
    },
  );

  test('[DNS-119] the time from a change of endpoints to the answers, by kind of Service', async () => {
    const { dns, upstream } = await startAll();
    await using resolver = dns;
    await using _ = upstream;
    const count = async (kind: string): Promise<number> =>
      read(await resolver.registry.gather()).sum('coredns_kubernetes_dns_programming_duration_seconds_count', {
        service_kind: kind,
      });
    expect([await count('cluster_ip'), await count('headless_with_selector')]).toEqual([0, 0]);
    const triggered = (name: string): readonly object[] =>
      slicesIn('shop', name, [ready('p1'), ready('p2')]).map((slice) => ({
        ...slice,
        metadata: {
          ...slice.metadata,
          annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': new Date(Date.now() + 1).toISOString() },
        },
      }));
    const headless = serviceIn('shop', 'db', 2, { spec: { clusterIP: 'None', clusterIPs: ['None'] } });
    await resolver.put(...triggered('web'), headless, ...triggered('db'));
    using udp = await openAsker('udp', resolver.port);
    expect((await udp.ask(question(own, 1))).packet.answers?.length).toBe(1);
    // The answer to a count comes behind the changes that were told before it.
    expect([await count('cluster_ip'), await count('headless_with_selector')]).toEqual([1, 1]);
  });
});

function boundsOf(family: ForeignFamily | undefined): string {
  const numberOf = (bound: string): number => (bound === '+Inf' ? Number.MAX_VALUE : Number(bound));
  return Object.keys(family?.metrics[0]?.buckets ?? {})
    .toSorted((a, b) => numberOf(a) - numberOf(b))
    .join(' ');
}
