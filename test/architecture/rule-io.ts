import { builtinModules } from 'node:module';
import { baseName } from './source-file.ts';
import type { ImportEdge, SourceFile, Violation } from './source-file.ts';

/** Files that may do I/O, and why. Everything else under src/ decides and returns data. */
const ioPlaces: readonly { readonly files: RegExp; readonly because: string }[] = [
  { files: /\/driver-[^/]*\.ts$/, because: 'the name says that the file does I/O' },
  { files: /\.(test|fixture)\.ts$/, because: 'tests read fixtures, make namespaces and start programs' },
  { files: /^src\/cli\//, because: 'the composition root talks to the terminal, to signals and to the process' },
  { files: /^src\/observe\//, because: 'the log, the HTTP pages and the process metrics are I/O themselves' },
  { files: /^src\/config\/load-[^/]*\.ts$/, because: 'configuration files are read there and nowhere else' },
  { files: /^src\/kube\/client-(auth|kubeconfig)\.ts$/, because: 'credentials are files, rotated tokens and plugin programs' },
];

/**
 * Modules of Node that touch nothing outside the process. Any other one counts as I/O, so that a module that Node
 * adds tomorrow is not allowed by accident. Clocks are the matter of the rule for pure files.
 */
const quietModules: ReadonlySet<string> = new Set([
  'assert',
  'assert/strict',
  'buffer',
  'diagnostics_channel',
  'events',
  'path',
  'path/posix',
  'perf_hooks',
  'querystring',
  'stream',
  'string_decoder',
  'timers',
  'timers/promises',
  'url',
  'util',
  'util/types',
]);

/** Of these modules only the named parts compute and touch nothing. */
const quietNames: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['crypto', new Set(['createHash', 'hash', 'timingSafeEqual'])],
  ['net', new Set(['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'SocketAddress'])],
]);

const worldGlobals = /^(new )?(globalThis\.)?(fetch|WebSocket|EventSource|process|console)\b/;

/** I/O in files whose name and place do not allow it. */
export function findForbiddenIo(files: readonly SourceFile[]): readonly Violation[] {
  return files.filter((file) => !mayDoIo(file.path)).flatMap(findIo);
}

function mayDoIo(path: string): boolean {
  return ioPlaces.some((place) => place.files.test(path));
}

function findIo(file: SourceFile): readonly Violation[] {
  const advice = `${baseName(file.path)} may not do I/O: move it to a file named driver-*.ts`;
  return [
    ...file.imports.filter(isIoModule).map((edge) => ({
      path: file.path,
      line: edge.line,
      reason: `imports ${edge.specifier}, and ${advice}`,
    })),
    ...file.uses
      .filter((use) => worldGlobals.test(use.name))
      .map((use) => ({ path: file.path, line: use.line, reason: `uses ${use.name}, and ${advice}` })),
  ];
}

function isIoModule({ specifier, names, typeOnly }: ImportEdge): boolean {
  if (specifier === null || typeOnly) return false;
  const name = specifier.replace(/^node:/, '');
  if (name === specifier && !builtinModules.includes(name)) return false;
  const quiet = quietNames.get(name);
  if (quiet !== undefined) return names.length === 0 || names.some((imported) => !quiet.has(imported));
  return !quietModules.has(name);
}
