import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseExposition } from './exposition.fixture.ts';
import { addFrontendMetrics } from './frontend-metrics.ts';
import { Registry, exponentialBuckets } from './metrics.ts';
import { addProcessMetrics } from './process-metrics.ts';

describe('text', () => {
  test('of counters and gauges, with help and label values escaped', () => {
    const registry = new Registry();
    const counter = registry.counter({ name: 'c_total', help: 'Back\\slash and\nline.', labels: ['a', 'b'] });
    counter.add(['x', '1']);
    counter.add(['x', '1'], 2.5);
    counter.add(['"\\\n', '']);
    registry.gauge({ name: 'g', help: 'G.' }).set([], Number.NaN);
    registry.gauge({ name: 'inf', help: 'I.' }).set([], Number.NEGATIVE_INFINITY);
    expect(registry.render()).toBe(
      [
        '# HELP c_total Back\\\\slash and\\nline.',
        '# TYPE c_total counter',
        'c_total{a="x",b="1"} 3.5',
        'c_total{a="\\"\\\\\\n",b=""} 1',
        '# HELP g G.',
        '# TYPE g gauge',
        'g NaN',
        '# HELP inf I.',
        '# TYPE inf gauge',
        'inf -Inf',
        '',
      ].join('\n'),
    );
  });

  test('of a histogram: rising counts, bounds inclusive, sum and count', () => {
    const registry = new Registry();
    const histogram = registry.histogram({ name: 'h', help: 'H.', labels: ['f'], buckets: exponentialBuckets(0.5, 2, 3) });
    for (const value of [0.5, 0.6, 2, 3]) histogram.observe(['IPv4'], value);
    expect(registry.render()).toBe(
      [
        '# HELP h H.',
        '# TYPE h histogram',
        'h_bucket{f="IPv4",le="0.5"} 1',
        'h_bucket{f="IPv4",le="1"} 2',
        'h_bucket{f="IPv4",le="2"} 3',
        'h_bucket{f="IPv4",le="+Inf"} 4',
        'h_sum{f="IPv4"} 6.1',
        'h_count{f="IPv4"} 4',
        '',
      ].join('\n'),
    );
  });

  test('has a metric without labels from the start and one with labels after its first observation', () => {
    const registry = new Registry();
    registry.counter({ name: 'plain_total', help: 'P.' });
    registry.counter({ name: 'vector_total', help: 'V.', labels: ['a'] });
    expect(registry.render()).toBe('# HELP plain_total P.\n# TYPE plain_total counter\nplain_total 0\n');
    expect(new Registry().render()).toBe('');
  });

  test('is read back by an independent parser to what was put in', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.string({ unit: 'binary' }), fc.string()), { selector: (pair) => pair.join('\0') }),
        fc.infiniteStream(fc.nat()),
        (pairs, numbers) => {
          const registry = new Registry();
          const counter = registry.counter({ name: 'c_total', help: 'C.', labels: ['a', 'b'] });
          const expected = pairs.map(([a, b]) => ({ name: 'c_total', labels: { a, b }, value: numbers.next().value ?? 0 }));
          for (const { labels, value } of expected) counter.add([labels.a, labels.b], value);
          expect(parseExposition(registry.render()).samples).toEqual(expected);
        },
      ),
    );
  });
});

describe('misuse is a bug and throws', () => {
  const registry = new Registry();
  const counter = registry.counter({ name: 'c_total', help: 'C.', labels: ['a'] });
  test.each([
    ['a wrong number of labels', () => counter.add([]), /c_total has 1 labels, not 0/],
    ['a counter that shrinks', () => counter.add(['x'], -1), /a counter only grows/],
    ['a name taken', () => registry.gauge({ name: 'c_total', help: '' }), /c_total is registered already/],
    ['a bad name', () => registry.gauge({ name: 'a-b', help: '' }), /not a metric name: a-b/],
    ['a bad label', () => registry.gauge({ name: 'd', help: '', labels: ['a-b'] }), /not a label name: a-b/],
    [
      'bounds that do not rise',
      () => registry.histogram({ name: 'e', help: '', buckets: [1, 1] }),
      /bounds must be finite and rise/,
    ],
    [
      'a label of the format',
      () => registry.histogram({ name: 'f', help: '', labels: ['le'], buckets: [1] }),
      /the label le belongs to the format/,
    ],
  ])('%s', (_, action, message) => {
    expect(action).toThrow(message);
  });
});

test('30,000 series are rendered whole', () => {
  const registry = new Registry();
  const gauge = registry.gauge({ name: 'g', help: 'G.', labels: ['n'] });
  for (let index = 0; index < 30_000; index += 1) gauge.set([`service-${index}`], index);
  expect(parseExposition(registry.render()).samples).toHaveLength(30_000);
});

test('process metrics have names, types and plausible values', () => {
  const registry = new Registry();
  addProcessMetrics(registry, 1_700_000_000_000);
  registry.render();
  const { samples, types } = parseExposition(registry.render());
  const values = new Map(samples.map(({ name, value }) => [name, value]));
  expect(values.get('process_start_time_seconds')).toBe(1_700_000_000);
  expect(values.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  expect(values.get('process_cpu_seconds_total')).toBeGreaterThan(0);
  expect(values.get('process_open_fds')).toBeGreaterThan(2);
  expect(values.get('process_max_fds')).toBeGreaterThan(values.get('process_open_fds') ?? 0);
  expect(types.get('process_cpu_seconds_total')).toBe('counter');
});

test('waypost_frontends and waypost_dirty_services are read anew at each scrape', () => {
  const registry = new Registry();
  let states = { Pending: 0, Done: 2, Error: 1 };
  addFrontendMetrics(registry, () => [{ family: 'IPv4', states, dirty: 7 }]);
  const samples = (): readonly unknown[] =>
    parseExposition(registry.render()).samples.map(({ name, labels, value }) => [name, labels['state'], value]);
  expect(samples()).toEqual([
    ['waypost_frontends', 'Pending', 0],
    ['waypost_frontends', 'Done', 2],
    ['waypost_frontends', 'Error', 1],
    ['waypost_dirty_services', undefined, 7],
  ]);
  states = { Pending: 1, Done: 0, Error: 0 };
  expect(samples().slice(0, 2)).toEqual([
    ['waypost_frontends', 'Pending', 1],
    ['waypost_frontends', 'Done', 0],
  ]);
});
