import { describe, expect, test } from 'vitest';
import { eventName, readCount, renderEvent, renderSeries } from './event-object.ts';
import type { AgentEvent } from './event-object.ts';

const starting: AgentEvent = {
  about: { kind: 'Node', name: 'node-1' },
  type: 'Normal',
  reason: 'Starting',
  action: 'StartKubeProxy',
  message: '',
};
const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

describe('renderEvent', () => {
  test('[SP-146] is an events.k8s.io/v1 Event of kube-proxy on the Node, in the namespace default', () => {
    const event = renderEvent(starting, 'node-1', 'node-1', { count: 1, lastAt: at });
    expect(event).toEqual({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: expect.stringMatching(/^node-1\.[0-9a-f]{16}$/) as string, namespace: 'default' },
      eventTime: '2026-01-02T03:04:05.006000Z',
      reportingController: 'kube-proxy',
      reportingInstance: 'node-1',
      action: 'StartKubeProxy',
      reason: 'Starting',
      regarding: { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: 'node-1' },
      note: '',
      type: 'Normal',
    });
  });

  test('about a Service is kept in its namespace, and counts from two on', () => {
    const about = { kind: 'Service', namespace: 'shop', name: 'web' } as const;
    expect(renderEvent({ ...starting, about }, 'n', 'u-1', { count: 3, lastAt: at })).toMatchObject({
      metadata: { namespace: 'shop' },
      regarding: { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid: 'u-1' },
      series: { count: 3, lastObservedTime: '2026-01-02T03:04:05.006000Z' },
    });
  });

  test('keeps to the limits of the API, cutting no character in half', () => {
    const long = { ...starting, about: { kind: 'Node', name: `${'n'.repeat(240)}.` } as const, message: 'ä'.repeat(600) };
    const event = renderEvent(long, 'i'.repeat(300), '', { count: 1, lastAt: at }) as Record<string, string> & {
      metadata: { name: string };
    };
    expect(event['note']).toBe('ä'.repeat(512));
    expect(renderEvent({ ...long, message: `a${'ä'.repeat(600)}` }, 'i', '', { count: 1, lastAt: at })).toMatchObject({
      note: `a${'ä'.repeat(511)}`,
    });
    expect(event['reportingInstance']).toHaveLength(128);
    expect(event.metadata.name).toMatch(/^n{236}\.[0-9a-f]{16}$/);
  });
});

test('a name is the same for the same event and another for any other', () => {
  const others: readonly AgentEvent[] = [
    { ...starting, type: 'Warning' },
    { ...starting, reason: 'Else' },
    { ...starting, action: 'Else' },
    { ...starting, message: 'else' },
    { ...starting, about: { kind: 'Service', namespace: 'default', name: 'node-1' } },
  ];
  expect(eventName({ ...starting }, 'a')).toBe(eventName(starting, 'a'));
  const names = [eventName(starting, 'a'), eventName(starting, 'b'), ...others.map((other) => eventName(other, 'a'))];
  expect(new Set(names).size).toBe(7);
});

test('a series counts at least two, as the API server demands', () => {
  expect(renderSeries({ count: 1, lastAt: at })).toMatchObject({ series: { count: 2 } });
});

test.each([
  [{ series: { count: 7 } }, 7],
  [{}, 1],
  [null, 1],
  ['text', 1],
  [{ series: null }, 1],
  [{ series: { count: 'x' } }, 1],
  [{ series: { count: -1 } }, 1],
])('readCount of %j is %d', (raw, count) => {
  expect(readCount(raw)).toBe(count);
});
