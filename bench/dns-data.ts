import { createStore, decodeService, decodeSlice } from '../src/kube/mod.ts';
import type { Store } from '../src/kube/mod.ts';
import { makeService, makeSlice, serviceAddress } from './cluster.ts';

/** The cluster and the questions of the DNS benchmark: the same for all servers, the same in every run. */

/** As a line of dnsperf: `name TYPE`. */
export type Question = string;

/** Names of the questions, each list a mix of its own. */
export const mixNames = ['hits', 'mix', 'wide'] as const;
export type MixName = (typeof mixNames)[number];

export const serviceCount = 10_000;
const endpointsEach = 10;
const outsideNames = 4000;
/** What the names outside have for an address, from whichever server. */
export const outsideAddress = '192.0.2.80';
export const outsideZone = 'example.org';

interface ServiceFacts {
  readonly index: number;
  readonly name: string;
  readonly headless: boolean;
  /** The ClusterIP, or the addresses of all endpoints. */
  readonly addresses: readonly string[];
}

interface PlainService {
  readonly metadata: object;
  readonly spec: object;
}

interface PlainSlice {
  readonly endpoints: readonly { readonly addresses: readonly string[] }[];
}

/** Every tenth Service has no ClusterIP; none of these has the node port that every tenth has. */
function isHeadless(index: number): boolean {
  return index % 10 === 5;
}

function makeObjects(index: number): { readonly service: unknown; readonly slice: unknown } {
  const service = makeService(index);
  const slice = makeSlice(index, endpointsEach);
  if (!isHeadless(index)) return { service, slice };
  const plain = service as PlainService;
  return { service: { ...plain, spec: { ...plain.spec, clusterIP: 'None', clusterIPs: ['None'] } }, slice };
}

export function factsOf(index: number): ServiceFacts {
  const headless = isHeadless(index);
  const { endpoints } = makeSlice(index, endpointsEach) as PlainSlice;
  return {
    index,
    name: `service-${index}.team-${index % 50}.svc.cluster.local`,
    headless,
    addresses: headless ? endpoints.flatMap(({ addresses }) => addresses) : [serviceAddress(index)],
  };
}

/** The cluster as an agent has it in memory, one that needs for DNS what the stock configuration does, or one without DNS. */
export function fillStore(withDns: boolean): Store {
  const dns = withDns ? ({ pods: 'none', keepLabels: false } as const) : null;
  const store = createStore();
  for (let index = 0; index < serviceCount; index += 1) {
    const objects = makeObjects(index);
    const service = decodeService(objects.service, dns);
    const slice = decodeSlice(objects.slice, dns);
    if (!service.ok || !slice.ok) throw new Error('the benchmark makes objects that do not decode');
    store.services.upsert(service.value);
    store.slices.upsert(slice.value);
  }
  if (dns === null) return store;
  for (let team = 0; team < 50; team += 1) store.namespaces.upsert({ name: `team-${team}`, labels: {} });
  store.markListed('services');
  store.markListed('namespaces');
  return store;
}

/**
 * `hits`: 10,000 questions that the cluster has an answer to, one for each Service: 80 % A, 10 % SRV, 10 % AAAA, which
 * there is none of. `mix`: 10,000 questions, 70 % as these, 20 % search paths tried in vain, 10 % names outside. `wide`: the
 * same shares of 40,000, A and AAAA of every Service and SRV of most: more than a table of 16,384 ready answers holds. No
 * question is there twice; their order does not change.
 */
export function makeQuestions(mix: MixName): readonly Question[] {
  const random = createRandom(20_261_127);
  const order = shuffled(
    Array.from({ length: serviceCount }, (_, index) => index),
    random,
  );
  const count = mix === 'wide' ? 40_000 : 10_000;
  const hits = mix === 'hits' ? count : count * 0.7;
  const misses = mix === 'hits' ? 0 : count * 0.2;
  const outside = count - hits - misses;
  return shuffled(
    [
      ...Array.from({ length: hits }, (_, number) => hitOf(order[number % serviceCount] ?? 0, number, hits / serviceCount)),
      ...Array.from({ length: misses }, (_, number) => `www${number}.example.com.team-${number % 50}.svc.cluster.local A`),
      ...Array.from({ length: outside }, (_, number) => `host-${number % outsideNames}.${outsideZone} A`),
    ],
    random,
  );
}

/** A list that goes over the Services once has one type for each; one that comes back to them asks for the next type. */
function hitOf(index: number, number: number, rounds: number): Question {
  const { name, headless } = factsOf(index);
  const round = Math.floor(number / serviceCount);
  const type = rounds > 1 ? ['A', 'AAAA', 'SRV'][round] : ['AAAA', 'SRV'][number % 10];
  // All ports of all endpoints of a Service without a ClusterIP are more than fits in a datagram.
  if (type === 'SRV') return headless ? `${name} TXT` : `_http._tcp.${name} SRV`;
  return `${name} ${type ?? 'A'}`;
}

/** Parts of the questions that are answered with records, and with NXDOMAIN. */
export function expectShares(questions: readonly Question[]): { readonly data: number; readonly noName: number } {
  const noName = questions.filter((line) => line.startsWith('www')).length;
  const data = questions.filter((line) => / (A|SRV)$/.test(line)).length - noName;
  return { data: data / questions.length, noName: noName / questions.length };
}

/** Master-file lines of what is asked for, for servers that do not know Kubernetes. */
export function makeClusterRecords(): readonly string[] {
  const lines = [
    'cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 5',
    'cluster.local. 30 IN NS ns.dns.cluster.local.',
    'ns.dns.cluster.local. 30 IN A 127.0.0.1',
  ];
  for (let index = 0; index < serviceCount; index += 1) {
    const { name, headless, addresses } = factsOf(index);
    for (const address of addresses) lines.push(`${name}. 30 IN A ${address}`);
    if (!headless) lines.push(`_http._tcp.${name}. 30 IN SRV 0 100 80 ${name}.`);
  }
  return lines;
}

/** The names outside, for servers that forward nothing. */
export function makeOutsideRecords(): readonly string[] {
  const lines = [
    `${outsideZone}. 3600 IN SOA ns.${outsideZone}. hostmaster.${outsideZone}. 1 7200 1800 86400 5`,
    `${outsideZone}. 3600 IN NS ns.${outsideZone}.`,
    `ns.${outsideZone}. 3600 IN A 127.0.0.1`,
  ];
  for (let number = 0; number < outsideNames; number += 1) {
    lines.push(`host-${number}.${outsideZone}. 3600 IN A ${outsideAddress}`);
  }
  return lines;
}

function shuffled<T>(values: T[], random: () => number): readonly T[] {
  for (let last = values.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const kept = values[last] as T;
    values[last] = values[other] as T;
    values[other] = kept;
  }
  return values;
}

/** Numbers from 0 up to 1, the same for the same seed (xorshift32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
