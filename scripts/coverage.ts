/** Writes docs/coverage.md: which test proves which item of the acceptance checklist. */
import { writeFileSync } from 'node:fs';
import { readCoverage } from './coverage/read-coverage.ts';
import { findGaps, renderCoverage } from './coverage/render-coverage.ts';

const coverage = readCoverage();
const gaps = findGaps(coverage);
writeFileSync('docs/coverage.md', renderCoverage(coverage));
console.log(gaps.length === 0 ? 'docs/coverage.md is written; every item has a test or a remark.' : gaps.join('\n'));
process.exitCode = gaps.length === 0 ? 0 : 1;
