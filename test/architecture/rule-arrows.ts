import { posix } from 'node:path';
import { rootRoom, rooms } from './rooms.ts';
import { isTest, roomOf } from './source-file.ts';
import type { ImportEdge, SourceFile, Violation } from './source-file.ts';

/** Imports that draw an arrow which the design does not have, or reach past the door of a room. */
export function findForbiddenArrows(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) => {
    const room = roomOf(file.path);
    if (room === null) return [{ path: file.path, line: 1, reason: 'every source file lives in a room: src/<room>/<file>.ts' }];
    if (!rooms.has(room)) return [{ path: file.path, line: 1, reason: `the design has no room src/${room}` }];
    return file.imports.flatMap((edge) => {
      const reason = judgeEdge(file.path, room, edge);
      return reason === null ? [] : [{ path: file.path, line: edge.line, reason }];
    });
  });
}

function judgeEdge(path: string, room: string, edge: ImportEdge): string | null {
  if (edge.specifier === null) return 'the name of an imported module must be a plain text, or no rule can check it';
  if (!edge.specifier.startsWith('.')) return judgePackage(path, room, edge.specifier);
  return judgeTarget(path, room, posix.join(posix.dirname(path), edge.specifier));
}

function judgePackage(path: string, room: string, specifier: string): string | null {
  if (/^(\/|#|file:|data:|https?:)/.test(specifier)) return `'${specifier}' is neither a relative path nor the name of a package`;
  if (/^waypost(\/|$)/.test(specifier))
    return `'${specifier}' is this package itself: import the door of the room by its relative path`;
  if (room === 'model' && !isTest(path))
    return `model imports nothing, not even '${specifier}': it is the vocabulary that every room shares`;
  return null;
}

function judgeTarget(path: string, room: string, target: string): string | null {
  if (isTest(target) && !isTest(path)) return `${target} is for tests only: the product does not carry it`;
  const other = roomOf(target);
  if (other === null) {
    if (isTest(path) && target.startsWith('test/')) return null;
    return `${target} is outside the rooms: the product imports nothing from outside src/`;
  }
  if (other === room) return null;
  if (other === rootRoom) return 'no room imports cli: it is the composition root';
  const { imports, because } = rooms.get(room) ?? { imports: [], because: '' };
  if (!imports.includes(other)) return `${room} may not import ${other}: ${because}`;
  if (target !== `src/${other}/mod.ts`)
    return `${target} is inside the room ${other}: enter through its door, src/${other}/mod.ts`;
  return null;
}
