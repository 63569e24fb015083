import { expect, test } from 'vitest';
import { describeEndpoint, describePart } from './endpoint-words.ts';
import type { EndpointAnswer } from './endpoint-words.ts';
import { describeEnd, judgeVerdict } from './trace-answer.ts';

const endpoint: EndpointAnswer = {
  portName: 'http',
  protocol: 'TCP',
  address: '10.244.1.1',
  port: 8080,
  node: 'node-1',
  local: true,
  ready: true,
  serving: true,
  terminating: false,
  inside: { used: true, weight: 1 },
  outside: null,
};

test('conditions of an endpoint', () => {
  expect(describeEndpoint(endpoint)).toEqual({ kind: 'good', words: 'ready' });
  expect(describeEndpoint({ ...endpoint, ready: false })).toEqual({ kind: 'bad', words: 'not ready' });
  expect(describeEndpoint({ ...endpoint, ready: false, terminating: true }).words).toBe('terminating, serves');
  expect(describeEndpoint({ ...endpoint, ready: false, serving: false, terminating: true }).words).toBe('terminating');
});

test('for whom an endpoint is used, and why not', () => {
  expect(describePart(null)).toBe('\u2013');
  expect(describePart({ used: true, weight: 1 })).toBe('yes');
  expect(describePart({ used: true, weight: 7 })).toBe('yes, weight 7');
  expect(describePart({ used: false, why: 'not-local' })).toBe('no: not on this node');
  expect(describePart({ used: false, why: 'of-tomorrow' })).toBe('no: of-tomorrow');
});

test('verdicts and ends of a trace', () => {
  expect(['delivered', 'passes', 'mixed', 'refused', 'dropped', 'unroutable'].map(judgeVerdict)).toEqual([
    'good',
    'neutral',
    'waiting',
    'bad',
    'bad',
    'bad',
  ]);
  const end = { verdict: 'delivered', address: '10.244.1.1', port: 8080, name: null, probability: 1, steps: [] };
  const rewritten = { ...end, source: '192.0.2.11', masqueraded: true, device: 'eth0', listening: null };
  expect(describeEnd(rewritten)).toBe('source rewritten to 192.0.2.11; leaves through eth0');
  expect(describeEnd({ ...rewritten, masqueraded: false, device: null, listening: false })).toBe(
    'source stays 192.0.2.11; nothing listens there',
  );
});
