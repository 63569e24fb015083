import { expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import type { Logger } from './logger.ts';
import { createProblemLog } from './problem-log.ts';

const noon = Date.parse('2026-01-02T12:00:00Z');

function record(format: 'text' | 'json', verbosity = 0): { readonly logger: Logger; readonly lines: readonly string[] } {
  const lines: string[] = [];
  return { logger: createLogger({ format, verbosity, now: () => noon, write: (line) => lines.push(line) }), lines };
}

test('text is one short line, with facts that can be told apart', () => {
  const { logger, lines } = record('text');
  logger.info('all Services are in the kernel', { services: 12, source: 'a b', empty: '', node: 'n1' });
  logger.problem({ code: 'WP_KUBE_X', message: 'line one\nline two' });
  expect(lines).toEqual([
    '2026-01-02T12:00:00.000Z info  all Services are in the kernel services=12 source="a b" empty="" node=n1\n',
    '2026-01-02T12:00:00.000Z warn  line one\\u{a}line two code=WP_KUBE_X\n',
  ]);
});

test('JSON is one object to a line', () => {
  const { logger, lines } = record('json');
  logger.error('broken', { code: 'WP_A', count: 2 });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { level: 'error', time: '2026-01-02T12:00:00.000Z', code: 'WP_A', count: 2, message: 'broken' },
  ]);
  expect(lines[0]).toMatch(/^[^\n]+\n$/);
});

test('decisions are logged from verbosity 4 on', () => {
  const quiet = record('text', 3);
  quiet.logger.debug('detail');
  expect(quiet.lines).toEqual([]);
  const loud = record('text', 4);
  loud.logger.debug('detail');
  expect(loud.lines).toHaveLength(1);
});

test('a problem that comes again is said once a minute, with how often it came', () => {
  const { logger, lines } = record('text');
  let now = 0;
  const report = createProblemLog(logger, () => now);
  const down = { code: 'WP_KUBE_DOWN', message: 'the API server does not answer' } as const;
  for (; now < 60_000; now += 20_000) report(down);
  report({ code: 'WP_OTHER', message: 'something else' });
  expect(lines.map((line) => line.slice(31))).toEqual([
    'the API server does not answer code=WP_KUBE_DOWN\n',
    'something else code=WP_OTHER\n',
  ]);
  report(down);
  expect(lines.at(-1)?.slice(31)).toBe('the API server does not answer (and 2 times since last said) code=WP_KUBE_DOWN\n');
});

test('the memory of said problems is bounded', () => {
  const { logger, lines } = record('text');
  const report = createProblemLog(logger, () => 0);
  for (let index = 0; index <= 1000; index += 1) report({ code: 'WP_X', message: `problem ${index}` });
  report({ code: 'WP_X', message: 'problem 1000' });
  expect(lines).toHaveLength(1001);
  report({ code: 'WP_X', message: 'problem 0' });
  expect(lines).toHaveLength(1002);
});
