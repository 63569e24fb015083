import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadCases, readCaseFile } from '../../test/dns/cases/load-cases.ts';
import type { QueryCase } from '../../test/dns/cases/load-cases.ts';
import { recordType } from './constants.ts';
import { isWithin, lowerName } from './name.ts';
import type { Name } from './name.ts';
import { formatRecord } from './presentation.ts';
import type { ResourceRecord } from './record.ts';
import type { Zone, ZoneAnswer } from './zone-contract.ts';
import { createZone } from './zone.ts';

const files = loadCases();

describe.each(files)('$name: $about', ({ settings, options, change, cases }) => {
  const zone = createZone(settings, options);
  for (const part of change) zone.apply(part);

  it.each(cases.map((entry) => [entry.title, entry] as const))('%s', (_title, entry) => {
    expect(observe(entry, zone)).toEqual(expectationOf(entry));
  });
});

const soaOfOurs = 'one SOA, of a zone of ours that holds the denied name';

/** What the case says, as what `observe` sees. */
function expectationOf(entry: QueryCase): object | null {
  if (entry.next) return null;
  return {
    rcode: entry.rcode,
    authoritative: entry.authoritative,
    answer: showSet(entry.answer),
    authority: entry.authority === null ? soaOfOurs : showSet(entry.authority),
    additional: showSet(entry.additional),
    chase: entry.chase,
    isInOrder: true,
    isLive: true,
    hasReason: true,
  };
}

function observe({ name, type, authority }: QueryCase, zone: Zone): object | null {
  const asked = lowerName(name);
  const answer = zone.lookup(asked, type);
  if (answer === null) return null;
  return {
    rcode: answer.rcode,
    authoritative: answer.authoritative,
    answer: showSet(answer.answer),
    authority: authority === null && isDenial(answer, zone.zones, asked) ? soaOfOurs : showSet(answer.authority),
    additional: showSet(answer.additional),
    chase: answer.chase,
    isInOrder: isInOrder(answer.answer, asked),
    isLive: answer.lease.live,
    hasReason: answer.because !== '',
  };
}

/** Exactly one SOA record, of a zone of ours that the end of the chain is in. */
function isDenial({ answer, authority }: ZoneAnswer, zones: readonly Name[], asked: Name): boolean {
  const [soa, more] = authority;
  const end = answer.length === 0 ? asked : String.fromCharCode(...(answer.at(-1)?.data ?? []));
  return soa?.type === recordType.SOA && more === undefined && zones.includes(soa.name) && isWithin(end, soa.name);
}

/** Each alias stands before what it leads to, and nothing is there that no alias leads to (specification 10.1, 10.3). */
function isInOrder(records: readonly ResourceRecord[], asked: Name): boolean {
  let owner = asked;
  return records.every(({ name, type, data }) => {
    const isNext = lowerName(name) === owner;
    if (type === recordType.CNAME) owner = String.fromCharCode(...data);
    return isNext;
  });
}

/** The order within a set is free. */
function showSet(records: readonly ResourceRecord[]): readonly string[] {
  return records.map((record) => formatRecord({ ...record, name: lowerName(record.name) })).toSorted();
}

describe('the case files', () => {
  it('are many, and cover what concerns the data of a zone', () => {
    const cases = files.flatMap((file) => file.cases);
    expect(cases.length).toBeGreaterThanOrEqual(300);
    const items = new Set(cases.flatMap((entry) => entry.items));
    const missing = dataItems.filter((item) => !items.has(item));
    expect(missing).toEqual([]);
  });

  /** Checklist items from the first to the last number of each pair: what concerns data, and not messages, feeds or sets too large to write down. */
  const dataItems = [
    [1, 1],
    [3, 8],
    [10, 12],
    [15, 29],
    [31, 44],
    [47, 50],
    [52, 56],
    [59, 75],
    [114, 116],
    [121, 122],
  ].flatMap(([first = 0, last = 0]) => Array.from({ length: last - first + 1 }, (_, index) => first + index));

  const plain = 'about: x\ncluster: { namespaces: [shop] }\nitem: 1\n';

  it.each([
    ['an unknown key of a case', `${plain}cases: [{ ask: a.b. A, anser: [] }]`, /odd\.yaml: cases\.0\.anser \(ask: a\.b\. A\)/],
    ['an unknown setting', `${plain}settings: { podz: insecure }\ncases: []`, /odd\.yaml: settings\.podz/],
    [
      'a record that is none',
      `${plain}cases: [{ ask: a.b. A, answer: [a.b. 30 IN A 1.2.3] }]`,
      /odd\.yaml: case a\.b\. A: not a record/,
    ],
    ['a code that is none', `${plain}cases: [{ ask: a.b. A, rcode: NODATA }]`, /odd\.yaml: case a\.b\. A: not a response code/],
    ['a question without a type', `${plain}cases: [{ ask: a.b. }]`, /odd\.yaml: case a\.b\.: not a record type/],
    [
      'an address that is none',
      'about: x\nitem: 1\ncluster: { namespaces: [], services: [{ service: a/b, clusterIps: [x] }] }\ncases: []',
      /odd\.yaml: not an address: x/,
    ],
  ])('%s is an error that says where', (_what, text, message) => {
    expect(() => readCaseFile('odd.yaml', text)).toThrow(message);
  });

  it('[DNS-1] an expectation that is not met is seen', () => {
    const text = `about: x
item: 1
cluster: { namespaces: [shop], services: [{ service: shop/web, clusterIps: [10.0.0.1] }] }
cases:
  - { ask: web.shop.svc.cluster.local. A, answer: [web.shop.svc.cluster.local. 30 IN A 10.0.0.1] }
  - { ask: web.shop.svc.cluster.local. A, answer: [web.shop.svc.cluster.local. 31 IN A 10.0.0.1] }
  - { ask: web.shop.svc.cluster.local. A, answer: [web.shop.svc.cluster.local. 30 IN A 10.0.0.2] }
  - { ask: web.shop.svc.cluster.local. A, answer: [web.shop.svc.cluster.local. 30 IN A 10.0.0.1], flags: [] }
  - { ask: web.shop.svc.cluster.local. A }
  - { ask: web.shop.svc.cluster.local. A, next: true }
  - { ask: web.shop.svc.cluster.local. AAAA, rcode: NXDOMAIN }
  - { ask: web.shop.svc.cluster.local. AAAA, authority: [] }
`;
    const { settings, options, change, cases } = readCaseFile('odd.yaml', text);
    const zone = createZone(settings, options);
    for (const part of change) zone.apply(part);
    const met = cases.map((entry) => isDeepStrictEqual(observe(entry, zone), expectationOf(entry)));
    expect(met).toEqual([true, ...Array.from({ length: 7 }, () => false)]);
  });
});
