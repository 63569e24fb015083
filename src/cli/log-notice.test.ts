import { expect, test } from 'vitest';
import type { ApplyReport, Problem } from '../model/mod.ts';
import { createLogger } from '../observe/mod.ts';
import type { Notice } from '../proxy/mod.ts';
import { logNotice } from './log-notice.ts';

const report: ApplyReport = { problem: null, failed: new Map(), operations: 3, bytes: 120, planMs: 1.6 };
const problem: Problem = { code: 'WP_IPTABLES_REFUSED', message: 'no room' };

test('the first sync, repairs and refusals are told, later syncs only as details', () => {
  const lines: string[] = [];
  const problems: Problem[] = [];
  const logger = createLogger({ format: 'text', verbosity: 0, now: () => 0, write: (line) => lines.push(line.slice(25)) });
  const notices: readonly Notice[] = [
    { kind: 'synced', family: 'IPv4', services: 2, report, first: true },
    { kind: 'synced', family: 'IPv4', services: 1, report, first: false },
    { kind: 'repaired', family: 'IPv6', report, by: [] },
    { kind: 'repaired', family: 'IPv4', report, by: ['nft (process 7)', 'sh (process 8)'] },
    { kind: 'refused', family: 'IPv4', service: 'default/web', problem },
    { kind: 'failed', family: 'IPv6', problem },
  ];
  for (const notice of notices) logNotice(notice, logger, (told) => problems.push(told));
  expect(lines).toEqual([
    'info  the first sync is complete family=IPv4 services=2 operations=3 bytes=120 planMs=2\n',
    'warn  the kernel had been changed from outside and was repaired family=IPv6 operations=3\n',
    'warn  the kernel had been changed from outside and was repaired family=IPv4 operations=3 by="nft (process 7), sh (process 8)"\n',
  ]);
  expect(problems.map(({ code, message }) => [code, message])).toEqual([
    ['WP_IPTABLES_REFUSED', 'IPv4 Service default/web: no room'],
    ['WP_IPTABLES_REFUSED', 'IPv6: no room'],
  ]);
});
