/** Writes docs/coverage*.md: which test proves which item of the acceptance checklists. */
import { writeFileSync } from 'node:fs';
import { findGaps } from './coverage/find-gaps.ts';
import { readCoverage } from './coverage/read-coverage.ts';
import { renderCoverage } from './coverage/render-coverage.ts';

const coverage = readCoverage();
const gaps = findGaps(coverage);
for (const checklist of coverage.checklists) writeFileSync(checklist.page, renderCoverage(checklist, coverage));
const pages = coverage.checklists.map(({ page }) => page).join(' and ');
console.log(gaps.length === 0 ? `${pages} are written; every item has a test or a remark.` : gaps.join('\n'));
process.exitCode = gaps.length === 0 ? 0 : 1;
