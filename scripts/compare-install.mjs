/**
 * Says whether node_modules holds what package-lock.json asks for: exit code 0, or 1 with the difference on
 * standard output. The folder is the first argument. Plain JavaScript because the machine's own Node (20 or
 * later) runs it before the pinned Node is there. npm writes node_modules/.package-lock.json last, so an
 * interrupted installation shows too.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = process.argv[2] ?? '.';

/** The `packages` of a lock file, or null where there is no such file. */
function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages ?? {};
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** What is different, in words, or null. Optional packages of other platforms are rightly absent. */
function findDifference(wanted, installed) {
  if (wanted === null) return 'package-lock.json is not there';
  if (installed === null) return 'node_modules is not there or not complete';
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    if (found === undefined) {
      if (entry.optional === true || entry.devOptional === true) continue;
      return `${path} is not installed`;
    }
    if (found.version !== entry.version || found.integrity !== entry.integrity) {
      return `${path} is ${found.version}, package-lock.json has another content or version, ${entry.version}`;
    }
  }
  const stray = Object.keys(installed).find((path) => wanted[path] === undefined);
  return stray === undefined ? null : `${stray} is installed, package-lock.json does not know it`;
}

const difference = findDifference(readPackages('package-lock.json'), readPackages('node_modules/.package-lock.json'));
if (difference !== null) {
  process.stdout.write(`${difference}\n`);
  process.exitCode = 1;
}
