import { describe, expect, test } from 'vitest';
import { AnswerTable } from './answer-table.ts';
import type { KeptAnswer } from './answer-table.ts';
import { makeRandom } from './cache.fixture.ts';
import { encodeAnswer } from './encode-answer.ts';
import { encodeQuery } from './encode-query.ts';
import { name } from './forward.fixture.ts';
import { Query, readQuery } from './read-query.ts';
import { emptyAnswer } from './resolution.ts';
import { record } from './server.fixture.ts';

function queryOf(text: string, type = 1): Query {
  const bytes = encodeQuery({ id: 1, name: name(text), type, dnssecOk: false, checkingDisabled: false, udpSize: 512 });
  const query = new Query();
  expect(readQuery(query, bytes, 0, bytes.length)).toBe(0);
  return query;
}

/** The block of the answer that is found; null: none is. */
function blockFound(table: AnswerTable, query: Query): number | null {
  const place = table.find(query);
  return place < 0 ? null : table.blockAt(place);
}

/** Told apart by its block. */
function answerOf(block: number, lease = { live: true }): KeptAnswer {
  return { encoded: encodeAnswer(emptyAnswer(0), '\0'), lease, term: null, authenticData: false, response: 5, block };
}

describe('the table of answers', () => {
  test('finds by name and type, in any spelling', () => {
    const table = new AnswerTable(64, makeRandom());
    table.keep(queryOf('a.test.'), answerOf(1));
    table.keep(queryOf('a.test.', 28), answerOf(2));
    expect(blockFound(table, queryOf('A.Test.'))).toBe(1);
    expect(blockFound(table, queryOf('a.test.', 28))).toBe(2);
    expect(blockFound(table, queryOf('a.test.', 16))).toBe(null);
    expect(blockFound(table, queryOf('b.test.'))).toBe(null);
  });

  test('tells names apart that have one hash', () => {
    const table = new AnswerTable(4, makeRandom());
    const [one, other] = [queryOf('a.test.'), queryOf('b.test.')];
    other.hash = one.hash;
    table.keep(one, answerOf(1));
    expect(blockFound(table, other)).toBe(null);
    table.keep(other, answerOf(2));
    expect([blockFound(table, one), blockFound(table, other)]).toEqual([1, 2]);
    const longer = queryOf('a.test.more.');
    longer.hash = one.hash;
    expect(blockFound(table, longer)).toBe(null);
  });

  test('[DNS-118] does not know an answer whose lease has ended, and gives its place away', () => {
    const table = new AnswerTable(4, () => 0);
    const leases = Array.from({ length: 8 }, () => ({ live: true }));
    const queries = ['a.', 'b.', 'c.', 'd.', 'f.', 'g.', 'h.', 'i.'].map((text) => queryOf(text));
    for (const [index, query] of queries.entries()) table.keep(query, answerOf(index, leases[index]));
    const ended = leases[2];
    if (ended) ended.live = false;
    expect(blockFound(table, queryOf('c.'))).toBe(null);
    table.keep(queryOf('e.'), answerOf(9));
    expect(queries.map((query) => blockFound(table, query))).toEqual([0, 1, null, 3, 4, 5, 6, 7]);
    expect(blockFound(table, queryOf('e.'))).toBe(9);
  });

  test('keeps small answers packed, long ones and those with an order to choose as they are, long names not at all', () => {
    const table = new AnswerTable(64, makeRandom());
    const keep = (text: string, ...answer: readonly string[]): number => {
      const query = queryOf(text);
      const encoded = encodeAnswer({ ...emptyAnswer(3, true), answer: answer.map(record) }, query.name);
      table.keep(query, { ...answerOf(9), encoded });
      const place = table.find(query);
      if (place < 0) return -1;
      expect([table.blockAt(place), table.responseAt(place)]).toEqual([9, 5]);
      const whole = table.wholeAt(place);
      if (whole !== null) return whole.encoded.bytes.length;
      expect([table.headAt(place), table.countsAt(place), table.zoneLengthAt(place)]).toEqual([0x0403, answer.length, 0]);
      const from = table.recordsAt(place);
      expect(table.memory.slice(from, from + table.lengthAt(place))).toEqual(encoded.bytes);
      return 0;
    };
    expect(keep('a.test.', 'a.test. 30 IN A 10.0.0.1')).toBe(0);
    expect(keep('b.test.', 'b.test. 30 IN A 10.0.0.1', 'b.test. 30 IN A 10.0.0.2')).toBe(32);
    expect(keep('c.test.', `c.test. 30 IN TXT "${'x'.repeat(130)}"`)).toBe(143);
    expect(keep(`${'d'.repeat(63)}.${'d'.repeat(63)}.test.`, 'd. 30 IN A 10.0.0.1')).toBe(-1);
  });

  test('does not grow: what is new takes the place of something', () => {
    const table = new AnswerTable(16, makeRandom());
    const queries = Array.from({ length: 1000 }, (_, index) => queryOf(`name-${index}.test.`));
    for (const [index, query] of queries.entries()) {
      table.keep(query, answerOf(index));
      expect(blockFound(table, query)).toBe(index);
    }
    expect(queries.filter((query) => blockFound(table, query) !== null).length).toBeLessThanOrEqual(16);
  });
});
