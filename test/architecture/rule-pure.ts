import { isTest } from './source-file.ts';
import type { SourceFile, Violation } from './source-file.ts';

/** Files that give the same output for the same input: no clock, no chance, no I/O, no await. */
const purePlaces: readonly { readonly files: RegExp; readonly what: string }[] = [
  { files: /^src\/model\//, what: 'the vocabulary' },
  { files: /^src\/(ipvs|iptables|nftables)\/(plan|diff|render|parse)(-[^/]*)?\.ts$/, what: 'deciding before touching' },
  { files: /^src\/proxy\/view(-[^/]*|\/.*)?\.ts$/, what: 'the view that turns a snapshot into frontends' },
  { files: /^src\/observe\/page\/[^/]+\.ts$/, what: 'what the status page shows, which its scripts put into the document' },
  { files: /^src\/netlink\/(encode|decode|codec)(-[^/]*)?\.ts$/, what: 'the codec of messages' },
];

const clockModules: ReadonlySet<string> = new Set(['timers', 'timers/promises', 'perf_hooks', 'crypto']);

/** Clocks, chance, I/O and asynchrony in pure files. */
export function findImpurity(files: readonly SourceFile[]): readonly Violation[] {
  return files
    .filter((file) => !isTest(file.path))
    .flatMap((file) => {
      const place = purePlaces.find((candidate) => candidate.files.test(file.path));
      if (place === undefined) return [];
      const because = `this file is pure (${place.what}): clock, chance and I/O reach it as parameters, if at all`;
      const imports = file.imports
        .filter((edge) => edge.specifier !== null && clockModules.has(edge.specifier.replace(/^node:/, '')))
        .filter((edge) => edge.specifier?.endsWith('crypto') !== true || edge.names.some((name) => name.startsWith('random')))
        .map((edge) => ({ path: file.path, line: edge.line, reason: `imports ${edge.specifier}, but ${because}` }));
      const uses = file.uses.map((use) => ({ path: file.path, line: use.line, reason: `uses ${use.name}, but ${because}` }));
      return [...imports, ...uses];
    });
}
