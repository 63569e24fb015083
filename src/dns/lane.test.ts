import { describe, expect, test } from 'vitest';
import { rcode, recordType } from './constants.ts';
import { LaneBook } from './lane-book.ts';
import { countOfStage, labelsOfResponse, requestIndex, responseIndex, sizeBounds, typeLabels } from './lane-counts.ts';
import { Lane } from './lane.ts';
import type { Peer } from './listen-contract.ts';
import { Query } from './read-query.ts';

function peerOf(octets: 4 | 16): Peer {
  return { buffer: new Uint8Array(octets), offset: 0, octets, port: 1 };
}

function queryOf(type: number, dnssecOk = false): Query {
  return Object.assign(new Query(), { type, dnssecOk });
}

describe('counts', () => {
  test('[DNS-119] each question once, by protocol, family and type', () => {
    const lane = new Lane();
    lane.asked(queryOf(recordType.A), peerOf(4), false, 40);
    lane.asked(queryOf(recordType.A), peerOf(4), false, 40);
    lane.asked(queryOf(recordType.AAAA, true), peerOf(16), true, 40);
    lane.asked(queryOf(65_280), peerOf(4), false, 40);
    lane.asked(queryOf(200), peerOf(4), true, 40);
    const { requests, dnssecOk } = lane.counts;
    expect(requests[requestIndex(false, 4, recordType.A)]).toBe(2);
    expect(requests[requestIndex(true, 16, recordType.AAAA)]).toBe(1);
    expect(requests[typeLabels.indexOf('other')]).toBe(1);
    expect(requests[2 * typeLabels.length + typeLabels.indexOf('other')]).toBe(1);
    expect(requests.reduce((sum, count) => sum + count, 0)).toBe(5);
    expect([...dnssecOk]).toEqual([1]);
  });

  test('[DNS-119] each type with a label of its own has the place of that label', () => {
    for (const [label, type] of Object.entries(recordType)) {
      const expected = typeLabels.includes(label) ? label : 'other';
      expect(typeLabels[requestIndex(false, 4, type)]).toBe(expected);
    }
  });

  test('[DNS-119] each reply once, by stage and code, with its size and its time', () => {
    const lane = new Lane();
    lane.answered('cache', rcode.NXDOMAIN, false, 100, 0.000_25);
    lane.answered('cache', rcode.NXDOMAIN, false, 101, 0.000_26);
    lane.answered('', rcode.REFUSED, true, 70_000, 100);
    lane.dropped();
    const { responses, durations, responseSizes, dropped } = lane.counts;
    expect(responses[responseIndex('cache', rcode.NXDOMAIN)]).toBe(2);
    expect(responses[responseIndex('', rcode.REFUSED)]).toBe(1);
    expect(responses.reduce((sum, count) => sum + count, 0)).toBe(3);
    expect([durations[0], durations[1], durations[16], durations[17]]).toEqual([1, 1, 1, 100.000_51]);
    const [udp, tcp] = responseSizes;
    expect([udp[1], udp[2], udp[sizeBounds.length + 1]]).toEqual([1, 1, 201]);
    expect([tcp[sizeBounds.length], tcp[sizeBounds.length + 1]]).toEqual([1, 70_000]);
    expect([...dropped]).toEqual([1]);
  });

  test('[DNS-119] the place of a reply says stage and code', () => {
    const stages = ['', 'acl', 'autopath', 'cache', 'forward', 'hosts', 'kubernetes', 'rewrite', 'template'] as const;
    for (const stage of stages)
      for (const code of Object.values(rcode))
        expect(labelsOfResponse(responseIndex(stage, code))).toEqual({ stage, rcode: code });
    expect(labelsOfResponse(responseIndex('cache', 23))).toEqual({ stage: 'cache', rcode: 16 });
  });
});

describe('the book of lanes', () => {
  test('[DNS-119] has one lane for each address and zone, and knows how often the search path answered', () => {
    const book = new LaneBook();
    const lane = book.laneOf('dns://10.0.0.1:53', '.');
    expect(book.laneOf('dns://10.0.0.1:53', '.')).toBe(lane);
    const other = book.laneOf('dns://10.0.0.1:53', 'dropped');
    expect(other).not.toBe(lane);
    lane.answered('autopath', 0, false, 50, 0.001);
    other.answered('autopath', 3, false, 50, 0.001);
    other.answered('cache', 0, false, 50, 0.001);
    expect(book.autopaths).toBe(2);
    expect(book.counts.map(({ server, zone }) => [server, zone])).toEqual([
      ['dns://10.0.0.1:53', '.'],
      ['dns://10.0.0.1:53', 'dropped'],
    ]);
    expect(countOfStage(other.counts, 'cache')).toBe(1);
  });
});
