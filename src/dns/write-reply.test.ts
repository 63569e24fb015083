import dnsPacket from 'dns-packet';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rcode } from './constants.ts';
import { encodeAnswer } from './encode-answer.ts';
import { encodeQuery } from './encode-query.ts';
import type { Message } from './message.ts';
import { lowerName, parseName } from './name.ts';
import type { Name } from './name.ts';
import { parseMessage } from './parse-message.ts';
import { formatRecord, parseRecord } from './presentation.ts';
import { Query, readQuery } from './read-query.ts';
import type { Answer, ResourceRecord } from './record.ts';
import { cutReply, writeRefusal, writeReply } from './write-reply.ts';
import type { ReplyOptions } from './write-reply.ts';

const usual: ReplyOptions = {
  limit: 1232,
  udpSize: 1232,
  recursionAvailable: true,
  authenticData: false,
  truncated: false,
  elapsed: 0,
  fixedTtl: -1,
  shuffle: false,
  random: () => 0,
};

const out = new Uint8Array(65_535);

function named(text: string): Name {
  return parseName(text) ?? '';
}

function record(text: string): ResourceRecord {
  const parsed = parseRecord(text);
  if (parsed === null) throw new TypeError(`no record: ${text}`);
  return parsed;
}

function answerOf(parts: Partial<Record<'answer' | 'authority' | 'additional', readonly string[]>>, code = 0): Answer {
  const [answer = [], authority = [], additional = []] = [parts.answer, parts.authority, parts.additional].map((texts) =>
    texts?.map(record),
  );
  return { rcode: code, authoritative: true, answer, authority, additional };
}

interface Asked {
  readonly name?: string;
  readonly type?: number;
  readonly edns?: boolean;
  readonly flags?: number;
}

function ask({ name = 'Web.shop.svc.Cluster.local.', type = 1, edns = true, flags = 0x0100 }: Asked = {}): Query {
  const query = new Query();
  const bytes = encodeQuery({ id: 4711, name: named(name), type, dnssecOk: true, checkingDisabled: false, udpSize: 1232 });
  bytes[2] = flags >> 8;
  bytes[3] = flags & 0xff;
  if (!edns) bytes[11] = 0;
  // Messages lie anywhere in the memory of a batch.
  const memory = Uint8Array.from([9, 9, 9, ...bytes, 9, 9]);
  expect(readQuery(query, memory, 3, edns ? bytes.length : bytes.length - 11)).toBe(0);
  return query;
}

function reply(query: Query, answer: Answer, options: Partial<ReplyOptions> = {}): Uint8Array {
  const encoded = encodeAnswer(answer, query.name);
  return out.slice(7, 7 + writeReply(query, encoded, { ...usual, ...options }, out, 7));
}

/** Decoded here; the other library has to see the same. */
function decode(bytes: Uint8Array): Message {
  const message = parseMessage(bytes);
  if (message === null) throw new TypeError('malformed');
  const other = dnsPacket.decode(Buffer.from(bytes));
  expect(other.id).toBe(message.id);
  expect(other.answers?.length).toBe(message.answer.length);
  expect(other.authorities?.length).toBe(message.authority.length);
  expect((other.additionals?.length ?? 0) - (message.edns === null ? 0 : 1)).toBe(message.additional.length);
  return message;
}

const web = answerOf({ answer: ['web.shop.svc.cluster.local. 30 IN A 10.96.0.80'] });
const soa = 'cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 7 7200 1800 86400 30';

describe('a reply', () => {
  test('[DNS-76][DNS-77][DNS-83] repeats id, question, opcode, RD and CD; AA, TC, RA, Z, AD and the code of the query do not matter', () => {
    const message = decode(reply(ask({ flags: 0x07ff }), web));
    expect(message).toMatchObject({ id: 4711, response: true, authoritative: true, truncated: false });
    expect(message).toMatchObject({ recursionDesired: true, checkingDisabled: true, recursionAvailable: true });
    expect(message).toMatchObject({ authenticData: false, rcode: 0 });
    expect(message.questions).toEqual([{ name: named('Web.shop.svc.Cluster.local.'), type: 1, class: 1 }]);
    expect(message.answer.map(formatRecord)).toEqual(['Web.shop.svc.Cluster.local. 30 IN A 10.96.0.80']);
    expect(reply(ask(), web)[3]).toBe(0x80);
  });

  test('[DNS-84][DNS-86] has OPT if and only if the query has, with DO and nothing else', () => {
    expect(decode(reply(ask({ edns: false }), web)).edns).toBe(null);
    expect(decode(reply(ask(), web)).edns).toEqual({ version: 0, udpSize: 1232, dnssecOk: true, options: new Uint8Array() });
    const refused = out.slice(0, writeRefusal(ask(), rcode.BADVERS, 1232, true, out, 0));
    expect(decode(refused)).toMatchObject({ rcode: 16, edns: { version: 0 }, answer: [] });
  });

  test('[DNS-76] a denial has the SOA of its zone, whatever the length and spelling of the name', () => {
    const answer = answerOf({ authority: [soa] }, rcode.NXDOMAIN);
    const encoded = encodeAnswer(answer, lowerName(named('a.cluster.local.')));
    for (const name of ['a.cluster.local.', 'example.com.default.svc.CLUSTER.local.', 'CLUSTER.local.']) {
      const length = writeReply(ask({ name }), encoded, usual, out, 0);
      const { authority, rcode: code } = decode(out.slice(0, length));
      expect([code, authority.map((one) => formatRecord(one).toLowerCase())]).toEqual([3, [soa.toLowerCase()]]);
      expect(formatRecord(authority[0] ?? record(soa))).toContain('ns.dns.cluster.local. hostmaster.cluster.local.');
    }
  });

  test('a denial of the longest name fits 512 octets', () => {
    const name = `${'a.'.repeat(120)}cluster.local.`;
    const bytes = reply(ask({ name }), answerOf({ authority: [soa] }, rcode.NXDOMAIN), { limit: 512 });
    expect(decode(bytes)).toMatchObject({ truncated: false, authority: [expect.anything()] });
    expect(bytes.length).toBeLessThanOrEqual(512);
  });

  test('[DNS-45] targets of SRV are whole, and names behind them may point to them', () => {
    const answer = answerOf({
      answer: ['_http._tcp.web.shop.svc.cluster.local. 30 IN SRV 0 100 80 web.shop.svc.cluster.local.'],
      additional: ['web.shop.svc.cluster.local. 30 IN A 10.96.0.80'],
    });
    const bytes = reply(ask({ name: '_http._tcp.web.shop.svc.cluster.local.', type: 33 }), answer);
    expect(Buffer.from(bytes).toString('latin1').split('\x03web\x04shop\x03svc\x07cluster\x05local\0').length).toBe(3);
    expect(decode(bytes).additional.map(formatRecord)).toEqual(['web.shop.svc.cluster.local. 30 IN A 10.96.0.80']);
  });
});

describe('size', () => {
  const many = (count: number): Answer =>
    answerOf({
      answer: Array.from({ length: count }, (_, at) => `web.shop.svc.cluster.local. 30 IN A 10.244.${at >> 8}.${at & 255}`),
    });

  test('[DNS-89] 60 addresses of one name fit 1232 octets', () => {
    expect(decode(reply(ask(), many(60)))).toMatchObject({ truncated: false, answer: { length: 60 } });
  });

  test('[DNS-90] what does not fit is left out from the end, TC is set and OPT stays', () => {
    const bytes = reply(ask(), many(300), { limit: 512 });
    const message = decode(bytes);
    expect(message).toMatchObject({ truncated: true, edns: { dnssecOk: true } });
    expect(message.answer.length).toBeGreaterThanOrEqual(20);
    expect(bytes.length).toBeLessThanOrEqual(512);
  });

  test('[DNS-90] additional records go first, and TC is not set for them', () => {
    const answer = answerOf({
      answer: ['web.shop.svc.cluster.local. 30 IN SRV 0 100 80 a.web.shop.svc.cluster.local.'],
      additional: Array.from({ length: 40 }, (_, at) => `a.web.shop.svc.cluster.local. 30 IN A 10.244.0.${at}`),
    });
    const message = decode(reply(ask({ type: 33 }), answer, { limit: 512 }));
    expect(message).toMatchObject({ truncated: false, answer: [expect.anything()] });
    expect(message.additional.length).toBeGreaterThan(10);
  });

  test('[DNS-46][DNS-57] sets beyond what TCP carries are cut at a record, well-formed', () => {
    const message = decode(reply(ask(), many(5000), { limit: 65_535 }));
    expect(message).toMatchObject({ truncated: true });
    expect(message.answer.length).toBeGreaterThan(4000);
    expect(decode(reply(ask(), many(1000), { limit: 65_535 }))).toMatchObject({ truncated: false, answer: { length: 1000 } });
  });

  test('a cut reply keeps nothing but the question', () => {
    expect(decode(out.slice(0, cutReply(ask(), 0, 1232, true, out, 0)))).toMatchObject({ truncated: true, answer: [] });
  });

  test('[DNS-58] every order of the addresses comes equally often, and records behind a CNAME are shuffled too', () => {
    let state = 1;
    const random = (below: number): number => {
      state = Math.imul(state, 1_103_515_245) + 12_345;
      return (state >>> 8) % below;
    };
    const answer = answerOf({
      answer: [
        'web.shop.svc.cluster.local. 30 IN CNAME b.example.',
        ...[1, 2, 3].map((last) => `b.example. 30 IN A 10.0.0.${last}`),
      ],
    });
    const encoded = encodeAnswer(answer, lowerName(named('web.shop.svc.cluster.local.')));
    const counts = new Map<string, number>();
    for (let turn = 0; turn < 6000; turn += 1) {
      const length = writeReply(ask(), encoded, { ...usual, shuffle: true, random }, out, 0);
      const message = parseMessage(out, 0, length);
      expect(message?.answer[0]?.type).toBe(5);
      const key =
        message?.answer
          .slice(1)
          .map(({ data }) => data[3])
          .join() ?? '';
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  test('[DNS-58] of a set that does not fit, any may be among those that do', () => {
    const encoded = encodeAnswer(many(300), lowerName(named('web.shop.svc.cluster.local.')));
    const length = writeReply(ask(), encoded, { ...usual, limit: 512, shuffle: true, random: (below) => below - 1 }, out, 0);
    const message = parseMessage(out, 0, length);
    expect(formatRecord(message?.answer[0] ?? record(soa))).toContain('10.244.1.43');
    expect(new Set(message?.answer.map(formatRecord)).size).toBe(message?.answer.length);
  });

  test('preferred records stay in front, in any order among themselves', () => {
    const encoded = encodeAnswer({ ...many(5), preferred: 2 }, lowerName(named('web.shop.svc.cluster.local.')));
    const seen = new Set<string>();
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let turn = 0; turn < 200; turn += 1) {
      const length = writeReply(ask(), encoded, { ...usual, shuffle: true, random }, out, 0);
      seen.add(
        parseMessage(out, 0, length)
          ?.answer.map(({ data }) => data[3])
          .join('') ?? '',
      );
    }
    expect(seen.size).toBe(12);
    expect([...seen].every((order) => /^[01]{2}[234]{3}$/.test(order))).toBe(true);
  });

  test('[DNS-102] what was kept counts down, never below 1, and stale answers have one TTL', () => {
    const answer = answerOf({ answer: ['web.shop.svc.cluster.local. 30 IN CNAME b.example.', 'b.example. 7 IN A 10.0.0.1'] });
    const ttls = (options: Partial<ReplyOptions>): readonly number[] =>
      decode(reply(ask(), answer, options)).answer.map(({ ttl }) => ttl);
    expect(ttls({})).toEqual([30, 7]);
    expect(ttls({ elapsed: 5 })).toEqual([25, 2]);
    expect(ttls({ elapsed: 9 })).toEqual([21, 1]);
    expect(ttls({ elapsed: 9, fixedTtl: 30 })).toEqual([30, 30]);
  });
});

const label = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom(...'abcdefghij-_0123456789') });
const anyName = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => `${labels.join('.')}.`);
const anyRecord = fc.tuple(anyName, fc.nat(86_400)).chain(([owner, ttl]) =>
  fc.oneof(
    fc.ipV4().map((address) => `${owner} ${ttl} IN A ${address}`),
    fc.ipV6().map((address) => `${owner} ${ttl} IN AAAA ${address}`),
    fc.tuple(fc.constantFrom('CNAME', 'NS', 'PTR'), anyName).map(([type, target]) => `${owner} ${ttl} IN ${type} ${target}`),
    fc.tuple(fc.nat(65_535), anyName).map(([number, target]) => `${owner} ${ttl} IN MX ${number} ${target}`),
    fc.tuple(fc.nat(65_535), anyName).map(([number, target]) => `${owner} ${ttl} IN SRV 1 2 ${number} ${target}`),
    fc.tuple(anyName, anyName).map(([one, two]) => `${owner} ${ttl} IN SOA ${one} ${two} 1 2 3 4 5`),
    label.map((text) => `${owner} ${ttl} IN TXT "${text}" "x y"`),
    fc
      .uint8Array({ maxLength: 20 })
      .map((data) => `${owner} ${ttl} IN TYPE65280 \\# ${data.length} ${Buffer.from(data).toString('hex')}`),
  ),
);

test('any records come back whole, here and in a second library', () => {
  fc.assert(
    fc.property(
      fc.array(anyRecord, { maxLength: 6 }),
      fc.array(anyRecord, { maxLength: 3 }),
      anyName,
      (answer, additional, name) => {
        const bytes = reply(ask({ name }), answerOf({ answer, additional }), { limit: 65_535 });
        const message = decode(bytes);
        const same = (texts: readonly string[]): readonly string[] => texts.map((text) => formatRecord(record(text)));
        expect(message.answer.map(formatRecord)).toEqual(same(answer));
        expect(message.additional.map(formatRecord)).toEqual(same(additional));
        const other = dnsPacket.decode(Buffer.from(bytes));
        expect(other.answers?.map((one) => one.name)).toEqual(
          message.answer.map((one) => formatRecord(one).split(' ')[0]?.slice(0, -1)),
        );
        const again = dnsPacket.encode({ ...other, type: 'response', flags: other.flags ?? 0 });
        expect(parseMessage(again)).toMatchObject({ answer: message.answer, additional: message.additional });
      },
    ),
    { numRuns: 400 },
  );
});
