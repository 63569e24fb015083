import { expect, it } from 'vitest';
import { AuditSchedule } from './audit-schedule.ts';

it('an audit is due each sync period, and less often where it takes long', () => {
  const audits = new AuditSchedule(30_000);
  expect(audits.due).toBe(0);
  audits.plan(1000, 50);
  expect(audits.due).toBe(31_000);
  audits.plan(1000, 500);
  expect(audits.due).toBe(51_000);
});

it('a suspicion makes it due at once', () => {
  const audits = new AuditSchedule(30_000);
  audits.plan(1000, 0);
  audits.suspect('nft (process 7)');
  expect(audits.due).toBe(1000);
});

it('whoever does it again and again is followed less and less often, until it has been quiet', () => {
  const audits = new AuditSchedule(30_000);
  let now = 100_000;
  const waits = Array.from({ length: 7 }, () => {
    audits.plan(now, 100);
    audits.suspect(null);
    audits.suspect(null);
    const wait = audits.due - now;
    now = audits.due + 100;
    return wait;
  });
  expect(waits).toEqual([100, 200, 400, 800, 1600, 1600, 1600]);
  audits.plan(now, 100);
  audits.plan(now + 30_000, 100);
  audits.suspect(null);
  expect(audits.due).toBe(now + 30_100);
});

it('everybody who was seen is told once', () => {
  const audits = new AuditSchedule(30_000);
  for (const by of ['nft (process 7)', null, 'sh (process 8)', 'nft (process 7)']) audits.suspect(by);
  expect(audits.takeSuspects()).toEqual(['nft (process 7)', 'sh (process 8)']);
  expect(audits.takeSuspects()).toEqual([]);
});
