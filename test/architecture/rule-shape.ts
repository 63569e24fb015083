import { rootRoom } from './rooms.ts';
import { baseName, roomOf } from './source-file.ts';
import type { SourceFile, Violation } from './source-file.ts';

const lineLimit = 400;
const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|fixture))?\.ts$/;

/** Files that are too long. */
export function findLongFiles(files: readonly SourceFile[]): readonly Violation[] {
  return files
    .filter((file) => file.lineCount > lineLimit)
    .map((file) => ({
      path: file.path,
      line: lineLimit + 1,
      reason: `has ${file.lineCount} lines; files stop at ${lineLimit}: split it by what it knows`,
    }));
}

/** Names of files and folders that are not kebab-case. */
export function findOddNames(files: readonly SourceFile[]): readonly Violation[] {
  return files
    .filter((file) => {
      const folders = file.path.split('/').slice(0, -1);
      return !kebabCase.test(baseName(file.path)) || folders.some((folder) => !kebabCase.test(`${folder}.ts`));
    })
    .map((file) => ({ path: file.path, line: 1, reason: 'file and folder names are kebab-case, e.g. endpoint-choice.ts' }));
}

/** Doors without a comment that says what the room is for. */
export function findSilentDoors(files: readonly SourceFile[]): readonly Violation[] {
  return files
    .filter((file) => baseName(file.path) === 'mod.ts' && !file.startsWithDoc)
    .map((file) => ({ path: file.path, line: 1, reason: 'a door begins with a doc comment that says what the room is for' }));
}

/** Rooms that have files and no door. */
export function findDoorlessRooms(files: readonly SourceFile[]): readonly Violation[] {
  const found = new Set(files.map((file) => roomOf(file.path)).filter((room) => room !== null));
  const paths = new Set(files.map((file) => file.path));
  return [...found].flatMap((room) => {
    const door = room === rootRoom ? `src/${room}/main.ts` : `src/${room}/mod.ts`;
    return paths.has(door) ? [] : [{ path: door, line: 1, reason: `the room ${room} has files and no door: ${door} is missing` }];
  });
}

/** Files that the parser could not read and the rules therefore did not see. */
export function findUnreadable(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) =>
    file.syntaxErrors.map((error) => ({ path: file.path, line: 1, reason: `is not valid TypeScript: ${error}` })),
  );
}
