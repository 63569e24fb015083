import { globSync, readFileSync } from 'node:fs';
import { root } from './pages.ts';

const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

const benches = globSync('bench/*.ts', { cwd: root }).map((file) => readFileSync(`${root}${file}`, 'utf8'));

/** What is wrong with the words behind `npm`: a script, a benchmark or an option of it that is not there. */
export function findNpmError(words: readonly string[]): string | null {
  const [name = '', ...rest] = words[0] === 'run' ? words.slice(1) : words;
  if (name !== 'ci' && scripts[name] === undefined) return `package.json has no script ${name}`;
  if (name !== 'bench') return null;
  const [, bench = '', ...options] = rest;
  if (!benches.some((text) => text.includes('const benches') && new RegExp(`^ {2}'?${bench}'?:`, 'm').test(text))) {
    return `there is no benchmark ${bench}`;
  }
  const unknown = options
    .filter((one) => one.startsWith('--'))
    .find((one) => !benches.some((text) => text.includes(one.slice(2))));
  return unknown === undefined ? null : `no benchmark has the option ${unknown}`;
}
