/** Writes docs/codes.md: what every code means and what to do about it. A test fails where the page is stale. */
import { writeFileSync } from 'node:fs';
import { collectCodes } from './codes/collect-codes.ts';
import { findCodeGaps } from './codes/find-code-gaps.ts';
import { renderCodes } from './codes/render-codes.ts';
import { rooms } from './codes/rooms.ts';

const found = collectCodes('src');
const gaps = findCodeGaps(found, rooms);
writeFileSync('docs/codes.md', renderCodes(rooms));
console.log(gaps.length === 0 ? `docs/codes.md is written: ${found.codes.length} codes.` : gaps.join('\n'));
process.exitCode = gaps.length === 0 ? 0 : 1;
