import { decode } from 'dns-packet';
import type { Answer, DecodedPacket } from 'dns-packet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatName, isWithin, lowerName, parseName } from '../../src/dns/name.ts';
import type { Name } from '../../src/dns/name.ts';
import { octetsOf } from '../../src/dns/read-name.ts';
import type { ResourceRecord } from '../../src/dns/record.ts';
import { makeQuery, openAsker } from './asker.ts';
import type { Asker, Reply, Transport } from './asker.ts';
import { loadCases } from './cases/load-cases.ts';
import type { QueryCase } from './cases/load-cases.ts';
import { factsOf, settingsOf, startLiveThread } from './live-thread.ts';
import type { LiveOptions, LiveThread } from './live-thread.ts';

const files = loadCases();
let asked = 0;

/** How questions get to a thread. */
const ways = [
  { way: 'UDP in batches', udp: 'batch', transport: 'udp' },
  { way: 'TCP', udp: 'batch', transport: 'tcp' },
  { way: 'UDP one by one', udp: 'plain', transport: 'udp' },
] as const;
type Udp = (typeof ways)[number]['udp'];

/** A thread of each kind for all files but those whose cluster is never read to its end: settings come and go while it runs. */
const shared = new Map<Udp, LiveThread>();
afterAll(async () => {
  for (const thread of shared.values()) await thread[Symbol.asyncDispose]();
});

function optionsOf(file: (typeof files)[number], index: number): LiveOptions {
  // No two files have the same zone, so each begins with none.
  const kubernetes = { ...file.settings, startupTimeoutMs: index };
  const settings = settingsOf({ kubernetes, shuffle: true, udpLimit: 4096 });
  return { settings, facts: factsOf(file.options), changes: file.change };
}

/** A thread that answers for a file. Its owner closes it unless it is shared. */
async function openThread(file: (typeof files)[number], index: number, udp: Udp): Promise<LiveThread> {
  const options = { ...optionsOf(file, index), udp };
  if (file.change.every(({ synced }) => !synced)) return startLiveThread(options);
  const known = shared.get(udp);
  if (known !== undefined) {
    await known.settle(options);
    return known;
  }
  const started = await startLiveThread(options);
  shared.set(udp, started);
  return started;
}

describe.each(files.map((file, index) => ({ ...file, index })))('$name: $about', (file) => {
  const threads = new Map<Udp, LiveThread>();
  beforeAll(async () => {
    for (const udp of ['batch', 'plain'] as const) threads.set(udp, await openThread(file, file.index, udp));
  });
  afterAll(async () => {
    for (const [udp, thread] of threads) if (thread !== shared.get(udp)) await thread[Symbol.asyncDispose]();
  });

  describe.each(ways)('$way', ({ udp, transport }) => {
    let asker: Asker | null = null;
    beforeAll(async () => {
      asker = await openAsker(transport, threads.get(udp)?.port ?? 0);
    });
    afterAll(() => asker?.[Symbol.dispose]());

    test.each(file.cases)('$title', async (entry) => {
      asked += 1;
      const edns = transport === 'udp' ? { size: 4096 } : null;
      const query = makeQuery(entry.name, { id: asked, type: entry.type, edns });
      const reply = await asker?.ask(query);
      if (!reply) throw new Error('nothing is open');
      expect(reply.bytes.subarray(12, 12 + entry.name.length + 4)).toEqual(query.subarray(12, 12 + entry.name.length + 4));
      expect(observe(reply, entry, file.settings)).toEqual(expectationOf(entry, transport));
    });
  });
});

test('all cases were asked, in all ways', () => {
  const cases = files.reduce((sum, file) => sum + file.cases.length, 0);
  expect(cases).toBeGreaterThanOrEqual(300);
  expect(asked).toBe(cases * ways.length);
});

const soaOfOurs = 'the SOA of a zone of ours';

function expectationOf(entry: QueryCase, transport: Transport): unknown {
  const authority = entry.authority === null ? soaOfOurs : showSet(entry.authority.map(toAnswer));
  return {
    rcode: entry.rcode,
    header: { qr: true, aa: entry.authoritative, tc: false, rd: true, ra: false, ad: false, cd: false },
    opts: transport === 'udp' ? 1 : 0,
    answer: showSet(entry.answer.map(toAnswer)),
    authority,
    additional: showSet(entry.additional.map(toAnswer)),
    isInOrder: true,
  };
}

function observe(
  { packet, bytes }: Reply,
  entry: QueryCase,
  zones: { readonly zones: readonly Name[]; readonly reverseZones: readonly Name[] },
): unknown {
  const { answers = [], authorities = [], additionals = [] } = packet;
  const ours = [...zones.zones, ...zones.reverseZones];
  return {
    rcode: (packet.flags ?? 0) & 15,
    header: headerOf(bytes.readUInt16BE(2)),
    opts: additionals.filter(({ type }) => type === 'OPT').length,
    answer: showSet(answers),
    authority: entry.authority === null && isDenial(packet, ours, entry.name) ? soaOfOurs : showSet(authorities),
    additional: showSet(additionals.filter(({ type }) => type !== 'OPT')),
    isInOrder: isInOrder(answers, formatName(entry.name).slice(0, -1)),
  };
}

function headerOf(flags: number): unknown {
  const has = (bit: number): boolean => (flags & bit) !== 0;
  return {
    qr: has(0x8000),
    aa: has(0x400),
    tc: has(0x200),
    rd: has(0x100),
    ra: has(0x80),
    ad: has(0x20),
    cd: has(0x10),
  };
}

/** Exactly one SOA record, of a zone of ours that the end of the chain is in. */
function isDenial({ answers = [], authorities = [] }: DecodedPacket, zones: readonly Name[], name: Name): boolean {
  const [soa, more] = authorities;
  const last = answers.at(-1);
  const end = last?.type === 'CNAME' ? parseName(last.data) : lowerName(name);
  const owner = soa?.type === 'SOA' ? parseName(soa.name) : null;
  return more === undefined && end !== null && owner !== null && zones.includes(owner) && isWithin(end, owner);
}

/** Each alias before what it leads to; owners spelled as asked until an alias leads elsewhere (specification 6.4, 10.1). */
function isInOrder(answers: readonly Answer[], name: string): boolean {
  let owner = name;
  return answers.every((one) => {
    const isNext = one.name === owner;
    if (one.type === 'CNAME') owner = one.data;
    return isNext;
  });
}

/** What the independent library makes of a record that is alone in a message, without compression. */
function toAnswer({ name, type, ttl, data }: ResourceRecord): Answer {
  const message = Buffer.alloc(12);
  message.writeUInt16BE(1, 6);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(ttl, 4);
  head.writeUInt16BE(data.length, 8);
  const [answer] = decode(Buffer.concat([message, octetsOf(name), head, data])).answers ?? [];
  if (answer === undefined) throw new TypeError('no record');
  return answer;
}

/** The order within a set is free. */
function showSet(records: readonly Answer[]): readonly string[] {
  return records.map((record) => JSON.stringify({ ...record, name: record.name.toLowerCase() })).toSorted();
}
