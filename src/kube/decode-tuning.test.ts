import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noTuning } from '../model/mod.ts';
import type { Problem, ServiceTuning } from '../model/mod.ts';
import { decodeService } from './decode.ts';
import { isSameData } from './store-equal.ts';

function read(annotations: unknown): { tuning: ServiceTuning; problems: readonly Problem[] } {
  const raw = { metadata: { name: 'web', namespace: 'shop', annotations }, spec: { clusterIP: '10.96.0.1' } };
  const decoded = decodeService(raw);
  if (!decoded.ok) throw new Error(decoded.problem.message);
  return { tuning: decoded.value.tuning, problems: decoded.warnings };
}

const whole = {
  'waypost.dev/scheduler': 'mh',
  'waypost.dev/weights': 'node-2=1, node-1=3,zone:zone-a=0',
  'waypost.dev/drain-time': '1m30s',
};

describe('annotations of a Service', () => {
  it('are read in full', () => {
    expect(read(whole)).toEqual({
      tuning: {
        scheduler: 'mh',
        weights: [
          { kind: 'node', name: 'node-1', weight: 3 },
          { kind: 'node', name: 'node-2', weight: 1 },
          { kind: 'zone', name: 'zone-a', weight: 0 },
        ],
        drainSeconds: 90,
      },
      problems: [],
    });
  });

  it.each([undefined, null, {}, { other: 'x' }, { 'waypost.dev/scheduler': '', 'waypost.dev/weights': null }])(
    '%j ask for nothing, and share one value',
    (annotations) => {
      expect(read(annotations).tuning).toBe(noTuning);
      expect(read(annotations).problems).toEqual([]);
    },
  );

  it.each([
    ['0', 0],
    ['90', 90],
    ['86400', 86_400],
    ['24h', 86_400],
    ['5m', 300],
    ['1500ms', 2],
    ['-0s', 0],
    [' 7s ', 7],
  ])('the drain time %j is %d s', (text, seconds) => {
    expect(read({ 'waypost.dev/drain-time': text }).tuning.drainSeconds).toBe(seconds);
  });

  it.each(['-1s', '-5', '25h', '86401', 'soon', '5 m', '1.5', 7, true])('the drain time %j is left out and told', (value) => {
    const { tuning, problems } = read({ 'waypost.dev/drain-time': value, 'waypost.dev/scheduler': 'lc' });
    expect(tuning).toEqual({ ...noTuning, scheduler: 'lc' });
    expect(problems).toMatchObject([{ code: 'WP_KUBE_ANNOTATION', service: 'shop/web' }]);
    expect(problems[0]?.message).toMatch(/^Service shop\/web: annotation waypost\.dev\/drain-time is .*: a time from 0s to 24h/);
  });

  it('[IPVS-17] a scheduler that the kernel does not have is left out and told', () => {
    const { tuning, problems } = read({ ...whole, 'waypost.dev/scheduler': 'best' });
    expect(tuning).toEqual({ ...read(whole).tuning, scheduler: null });
    expect(problems.map(({ message }) => message)).toEqual([
      'Service shop/web: annotation waypost.dev/scheduler is "best": one of rr, wrr, lc, wlc, lblc, lblcr, dh, sh, mh, sed, nq, fo, ovf is needed, it is ignored',
    ]);
  });

  it('bad weights are left out one by one, and what is good beside them counts', () => {
    const text = 'a=1,b,c=65536,d=-1,e=1.5,zone:=2,zo:ne=2,=3,zone:z=65535,a=7,,f g=1';
    const { tuning, problems } = read({ 'waypost.dev/weights': text });
    expect(tuning.weights).toEqual([
      { kind: 'node', name: 'a', weight: 1 },
      { kind: 'zone', name: 'z', weight: 65_535 },
    ]);
    expect(problems).toHaveLength(9);
    expect(problems.every(({ code, service }) => code === 'WP_KUBE_ANNOTATION' && service === 'shop/web')).toBe(true);
    expect(read({ 'waypost.dev/weights': { a: 1 } }).problems).toHaveLength(1);
  });

  it('[INGRESS-40] weights may be a JSON object', () => {
    const json = ' { "node-1": 3, "zone:zone-a": 0, "node-2": 1 } ';
    expect(read({ ...whole, 'waypost.dev/weights': json })).toEqual(read(whole));
    expect(read({ 'waypost.dev/weights': '{}' })).toEqual({ tuning: noTuning, problems: [] });
    const bad = '{"a":1,"b":"2","c":65536,"d":-1,"e":1.5,"f":null,"zone:":2,"__proto__":4,"a=b":1,"g":{"h":1},"i":1e9}';
    const { tuning, problems } = read({ 'waypost.dev/weights': bad });
    expect(tuning.weights.map(({ name }) => name)).toEqual(['__proto__', 'a']);
    expect(problems).toHaveLength(9);
    expect(problems[0]?.message).toContain('annotation waypost.dev/weights is "b=\\"2\\"": node=weight or zone:name=weight');
  });

  it.each(['{', '{"a":1', '{"a":1},b=2', `{"a":${'['.repeat(100_000)}`, 'a=1,'.repeat(70_000)])(
    'weights that are neither form, or endless, are left out as a whole (%#)',
    (text) => {
      const { tuning, problems } = read({ 'waypost.dev/weights': text });
      expect(tuning).toBe(noTuning);
      expect(problems).toMatchObject([{ code: 'WP_KUBE_ANNOTATION', service: 'shop/web' }]);
      expect(problems[0]?.message.length).toBeLessThan(400);
    },
  );

  it.each([
    ['0', 0],
    ['60', 60],
    [' 3600 ', 3600],
  ])('[INGRESS-42] the drain seconds %j are %d s', (text, seconds) => {
    expect(read({ 'waypost.dev/drain-seconds': text })).toEqual({ tuning: { ...noTuning, drainSeconds: seconds }, problems: [] });
  });

  it.each(['3601', '-1', '5m', '1.5', 60, true, [1]])('[INGRESS-52] the drain seconds %j are left out and told', (value) => {
    const { tuning, problems } = read({ 'waypost.dev/drain-seconds': value });
    expect(tuning).toBe(noTuning);
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/drain-seconds is .*: a whole number from 0 to 3600 is needed, it is ignored$/),
    ]);
  });

  it('of two drain times the one that is not named after ingress counts, unless it says nothing', () => {
    const both = read({ 'waypost.dev/drain-time': '5m', 'waypost.dev/drain-seconds': '60' });
    expect(both.tuning.drainSeconds).toBe(300);
    expect(both.problems.map(({ message }) => message)).toEqual([
      'Service shop/web: annotation waypost.dev/drain-seconds is "60": waypost.dev/drain-time says 300s, it is ignored',
    ]);
    const bad = read({ 'waypost.dev/drain-time': 'soon', 'waypost.dev/drain-seconds': '60' });
    expect([bad.tuning.drainSeconds, bad.problems.length]).toEqual([60, 1]);
  });

  it('written in another order they are the same record', () => {
    const other = read({ ...whole, 'waypost.dev/weights': 'zone:zone-a=0,node-1=3,node-2=1' }).tuning;
    expect(isSameData(other, read(whole).tuning)).toBe(true);
    expect(isSameData(read({ ...whole, 'waypost.dev/weights': 'node-1=3' }).tuning, read(whole).tuning)).toBe(false);
  });

  it('never throw, whatever they hold, and give weights in range', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^(?:zone:)?[a-c]{1,2}=\d{1,6}$/));
    fc.assert(
      fc.property(fc.array(text), fc.anything(), fc.anything(), (entries, scheduler, drain) => {
        const { tuning, problems } = read({
          'waypost.dev/weights': entries.join(','),
          'waypost.dev/scheduler': scheduler,
          'waypost.dev/drain-time': drain,
        });
        expect(tuning.weights.every(({ weight, name }) => weight >= 0 && weight <= 65_535 && name !== '')).toBe(true);
        expect(new Set(tuning.weights.map(({ kind, name }) => `${kind}/${name}`)).size).toBe(tuning.weights.length);
        expect(tuning.drainSeconds === null || Number.isInteger(tuning.drainSeconds)).toBe(true);
        expect(problems.length).toBeLessThanOrEqual(21);
      }),
    );
  });
});
