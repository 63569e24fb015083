import { expect, it } from 'vitest';
import { makeQuery } from './forward-query.ts';
import { question } from './forward.fixture.ts';
import { makeRandom } from './cache.fixture.ts';
import { lowerName } from './name.ts';

it('[DNS-99] an id is any of 65536, and spelling is drawn for each letter where wanted', () => {
  const random = makeRandom(7);
  const asked = question('Abcdefghijklmnop.Example.COM.');
  const plain = makeQuery(asked, false, () => 0xffff);
  expect(plain.sent).toEqual({ id: 0xffff, name: lowerName(asked.name), type: 1, exactCase: false });
  expect([plain.bytes[0], plain.bytes[1]]).toEqual([0xff, 0xff]);
  const spellings = Array.from({ length: 20 }, () => makeQuery(asked, true, random).sent.name);
  expect(new Set(spellings).size).toBe(20);
  expect(new Set(spellings.map(lowerName))).toEqual(new Set([lowerName(asked.name)]));
});
