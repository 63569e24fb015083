import { findForbiddenArrows } from './rule-arrows.ts';
import { findForbiddenIo } from './rule-io.ts';
import { findPageArrows } from './rule-page.ts';
import { findImpurity } from './rule-pure.ts';
import { findDoorlessRooms, findLongFiles, findOddNames, findSilentDoors, findUnreadable } from './rule-shape.ts';
import type { SourceFile, Violation } from './source-file.ts';

/** A rule that looks at all files at once. `scope` says whether it is about the product or about all code. */
export interface Rule {
  readonly name: string;
  readonly scope: 'product' | 'all code';
  find(files: readonly SourceFile[]): readonly Violation[];
}

export const rules: readonly Rule[] = [
  { name: 'every file is valid TypeScript', scope: 'all code', find: findUnreadable },
  { name: 'rooms import what the design allows, through doors', scope: 'product', find: findForbiddenArrows },
  { name: 'the status page imports what browsers are served', scope: 'product', find: findPageArrows },
  { name: 'only drivers and named exceptions do I/O', scope: 'product', find: findForbiddenIo },
  { name: 'pure files read no clock, no chance and never wait', scope: 'product', find: findImpurity },
  { name: 'no file is longer than 400 lines', scope: 'all code', find: findLongFiles },
  { name: 'names are kebab-case', scope: 'all code', find: findOddNames },
  { name: 'every room has a door', scope: 'product', find: findDoorlessRooms },
  { name: 'every door says what the room is for', scope: 'product', find: findSilentDoors },
];

/** Applies a rule to the files of its scope. Having read nothing is itself a violation: it would hide all others. */
export function applyRule(rule: Rule, files: readonly SourceFile[]): readonly Violation[] {
  const inScope = rule.scope === 'product' ? files.filter((file) => file.path.startsWith('src/')) : files;
  if (inScope.length === 0) return [{ path: 'src', line: 1, reason: 'no file was read, so this rule has checked nothing' }];
  return rule.find(inScope);
}
