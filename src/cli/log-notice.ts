import type { Problem } from '../model/mod.ts';
import type { Logger } from '../observe/mod.ts';
import type { Notice } from '../proxy/mod.ts';

/** Writes what the proxy tells of its work: the first sync and repairs always, later syncs as details. */
export function logNotice(notice: Notice, logger: Logger, report: (problem: Problem) => void): void {
  const { kind, family } = notice;
  switch (kind) {
    case 'synced': {
      const { operations, bytes, planMs } = notice.report;
      const fields = { family, services: notice.services, operations, bytes, planMs: Math.round(planMs) };
      if (notice.first) logger.info('the first sync is complete', fields);
      else logger.debug('synced', fields);
      return;
    }
    case 'repaired':
      logger.warn('the kernel had been changed from outside and was repaired', {
        family,
        operations: notice.report.operations,
        ...(notice.by.length === 0 ? {} : { by: notice.by.join(', ') }),
      });
      return;
    case 'refused':
      report({ ...notice.problem, message: `${family} Service ${notice.service}: ${notice.problem.message}` });
      return;
    case 'advised':
      report({ ...notice.problem, message: `${family} ${notice.problem.message}` });
      return;
    case 'failed':
      report({ ...notice.problem, message: `${family}: ${notice.problem.message}` });
      return;
    default:
      notice satisfies never;
  }
}
