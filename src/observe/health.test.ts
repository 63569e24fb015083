import { describe, expect, test } from 'vitest';
import { answerHealth } from './health.ts';
import type { FamilyHealth } from '../model/mod.ts';
import type { HealthView } from './health.ts';

const now = Date.parse('2026-01-02T03:04:05.678Z');
const patience = 60_000;
const good: readonly FamilyHealth[] = [
  { family: 'IPv6', lastUpdated: Date.parse('2026-01-02T03:00:00Z'), pendingSince: null },
  { family: 'IPv4', lastUpdated: Date.parse('2026-01-02T03:01:02.340Z'), pendingSince: now - 59_999 },
];

function view(changes: Partial<HealthView> = {}): HealthView {
  return { families: good, nodeEligible: true, synced: true, ...changes };
}

describe('[SP-116] bodies, byte for byte', () => {
  test('/healthz', () => {
    expect(answerHealth('/healthz', view(), now, patience)).toEqual({
      status: 200,
      body:
        '{"lastUpdated":"2026-01-02T03:04:05.678Z","currentTime":"2026-01-02T03:04:05.678Z","nodeEligible":true,"healthy":true,' +
        '"status":{"IPv4":{"lastUpdated":"2026-01-02T03:01:02.34Z","healthy":true},"IPv6":{"lastUpdated":"2026-01-02T03:00:00Z","healthy":true}}}',
    });
  });

  test('/livez has no nodeEligible', () => {
    expect(answerHealth('/livez', view(), now, patience).body).toBe(
      '{"lastUpdated":"2026-01-02T03:04:05.678Z","currentTime":"2026-01-02T03:04:05.678Z","healthy":true,' +
        '"status":{"IPv4":{"lastUpdated":"2026-01-02T03:01:02.34Z","healthy":true},"IPv6":{"lastUpdated":"2026-01-02T03:00:00Z","healthy":true}}}',
    );
  });

  test('before any family runs there is no status, and never is the zero time', () => {
    expect(answerHealth('/healthz', { families: [], nodeEligible: false, synced: false }, now, patience)).toEqual({
      status: 503,
      body: '{"lastUpdated":"0001-01-01T00:00:00Z","currentTime":"2026-01-02T03:04:05.678Z","nodeEligible":false,"healthy":true}',
    });
    const waiting: HealthView = view({ families: [{ family: 'IPv4', lastUpdated: null, pendingSince: null }], synced: false });
    expect(answerHealth('/livez', waiting, now, patience).body).toContain(
      '"status":{"IPv4":{"lastUpdated":"0001-01-01T00:00:00Z","healthy":true}}',
    );
  });
});

test('[SP-117] a change that waits for twice the sync period turns both to 503, and not a millisecond earlier', () => {
  const stuck = view({
    families: [
      { family: 'IPv4', lastUpdated: now - 90_000, pendingSince: now - patience },
      { family: 'IPv6', lastUpdated: now - 1000, pendingSince: null },
    ],
  });
  for (const path of ['/healthz', '/livez'] as const) {
    expect(answerHealth(path, stuck, now - 1, patience).status).toBe(200);
    const answer = answerHealth(path, stuck, now, patience);
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({
      lastUpdated: '2026-01-02T03:04:04.678Z',
      healthy: false,
      status: { IPv4: { healthy: false }, IPv6: { healthy: true } },
    });
  }
});

test('[SP-118] without changes for hours both stay at 200, with a fresh lastUpdated', () => {
  const later = now + 7 * 3_600_000;
  const idle = view({ families: [{ family: 'IPv4', lastUpdated: now, pendingSince: null }] });
  for (const path of ['/healthz', '/livez'] as const) {
    const answer = answerHealth(path, idle, later, patience);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ lastUpdated: '2026-01-02T10:04:05.678Z' });
  }
});

test('[SP-119] a node that is leaving is not eligible, while the data plane is healthy and the agent alive', () => {
  const leaving = view({ nodeEligible: false });
  const healthz = answerHealth('/healthz', leaving, now, patience);
  expect(healthz.status).toBe(503);
  expect(JSON.parse(healthz.body)).toMatchObject({ nodeEligible: false, healthy: true });
  expect(answerHealth('/livez', leaving, now, patience).status).toBe(200);
});

test('before the first complete sync /healthz is 503 and /livez 200', () => {
  const starting = view({ synced: false });
  expect(answerHealth('/healthz', starting, now, patience).status).toBe(503);
  expect(answerHealth('/livez', starting, now, patience).status).toBe(200);
});
