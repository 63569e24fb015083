import { describe, expect, it } from 'vitest';
import type { HealthCheckSpec } from '../model/mod.ts';
import { decodeService } from './decode.ts';

/** A check by annotations named without `waypost.dev/health-check`, and the complaints about them. */
function read(values: Readonly<Record<string, unknown>>): { check: HealthCheckSpec | null; notes: readonly string[] } {
  const named = Object.entries(values).map(([name, value]) => [`waypost.dev/health-check${name}`, value] as const);
  const raw = { metadata: { name: 'web', namespace: 'shop', annotations: Object.fromEntries(named) }, spec: {} };
  const decoded = decodeService(raw);
  if (!decoded.ok) throw new Error(decoded.problem.message);
  const notes = decoded.warnings.map(({ message }) =>
    message.replace('Service shop/web: annotation waypost.dev/health-check', ''),
  );
  return { check: decoded.value.publishing?.healthCheck ?? null, notes };
}

const usual: HealthCheckSpec = { probe: { kind: 'tcp' }, port: null, intervalMs: 5000, timeoutMs: 2000, rise: 2, fall: 3 };

describe('health checks of a Service', () => {
  it.each([
    ['tcp', { kind: 'tcp' }],
    ['http', { kind: 'http', path: '/', host: null }],
    ['http:/', { kind: 'http', path: '/', host: null }],
    ['http:/a/b?c=d&e', { kind: 'http', path: '/a/b?c=d&e', host: null }],
    ['exec:check_redis.sh', { kind: 'exec', program: 'check_redis.sh' }],
  ])('%s asks %j', (text, probe) => {
    expect(read({ '': text })).toEqual({ check: { ...usual, probe }, notes: [] });
  });

  it.each([
    'TCP',
    'http:',
    'http:x',
    'http:/a b',
    'http:/a\r\nHost: b',
    'http:/a#b',
    'http:/ä',
    `http:/${'a'.repeat(1100)}`,
    'https',
    'exec:',
    'exec:.',
    'exec:..',
    'exec:.hidden',
    'exec:a/b',
    'exec:/bin/sh',
    'exec:a b',
    'exec:a;b',
    `exec:${'a'.repeat(129)}`,
    'exec:a\0',
    7,
    {},
  ])('[INGRESS-52] %j asks nothing, and is told', (text) => {
    const { check, notes } = read({ '': text });
    expect(check).toBeNull();
    expect(notes).toEqual([
      expect.stringMatching(/^ is .*: tcp, http, http:\/path or exec:program is needed, back ends are not asked$/),
    ]);
  });

  it.each([
    ['100ms', 100, 100],
    ['1', 1000, 1000],
    ['2s', 2000, 2000],
    ['1h', 3_600_000, 2000],
    ['3600', 3_600_000, 2000],
    ['150.4ms', 150, 150],
  ])('every %s is every %d ms, and %d ms are waited', (text, intervalMs, timeoutMs) => {
    expect(read({ '': 'tcp', '-interval': text })).toEqual({ check: { ...usual, intervalMs, timeoutMs }, notes: [] });
  });

  it.each(['99ms', '0', '-1s', '3601', '1h1ms', 'often', 5])('[INGRESS-52] the interval %j becomes 5s', (value) => {
    const { check, notes } = read({ '': 'tcp', '-interval': value });
    expect(check).toEqual(usual);
    expect(notes).toEqual([
      expect.stringMatching(/^-interval is .*: a time from 100ms to 1h like 5s or 5 is needed, 5s is taken$/),
    ]);
  });

  it('waits no longer than until the next question', () => {
    expect(read({ '': 'tcp', '-interval': '1s', '-timeout': '1s' })).toMatchObject({ check: { timeoutMs: 1000 }, notes: [] });
    expect(read({ '': 'tcp', '-interval': '1s', '-timeout': '1001ms' })).toEqual({
      check: { ...usual, intervalMs: 1000, timeoutMs: 1000 },
      notes: ['-timeout is "1001ms": a time from 10ms to the interval of 1000ms is needed, 1000ms is taken'],
    });
    expect(read({ '': 'tcp', '-timeout': '9ms' }).check?.timeoutMs).toBe(2000);
  });

  it.each([
    ['-port', '0'],
    ['-port', '65536'],
    ['-rise', '0'],
    ['-rise', '101'],
    ['-fall', '0'],
    ['-fall', 'x'],
  ])('[INGRESS-52] %s %s is told and has its default', (name, value) => {
    const { check, notes } = read({ '': 'tcp', [name]: value });
    expect(check).toEqual(usual);
    expect(notes).toHaveLength(1);
  });

  it.each(['web', 'web.example:80', '192.0.2.1', '[fd00::1]', '[fd00::1]:8080'])('names the host %s', (host) => {
    expect(read({ '': 'http', '-host': host })).toEqual({
      check: { ...usual, probe: { kind: 'http', path: '/', host } },
      notes: [],
    });
  });

  it.each(['web:0', 'web:99999', 'a b', 'a\r\nX: y', '[x]', 'fd00::1', '-a', 'a/b', 'a'.repeat(300), 7])(
    '[INGRESS-52] the host %j is told and left out',
    (host) => {
      const { check, notes } = read({ '': 'http', '-host': host });
      expect(check?.probe).toEqual({ kind: 'http', path: '/', host: null });
      expect(notes).toHaveLength(1);
    },
  );

  it('tells what means nothing', () => {
    expect(read({ '-port': '80', '-fall': '9' })).toEqual({
      check: null,
      notes: [
        '-port is "80": nothing is asked without waypost.dev/health-check, it is ignored',
        '-fall is "9": nothing is asked without waypost.dev/health-check, it is ignored',
      ],
    });
    expect(read({ '': 'tcp', '-host': 'web' })).toEqual({
      check: usual,
      notes: ['-host is "web": only http names a host, it is ignored'],
    });
  });
});
