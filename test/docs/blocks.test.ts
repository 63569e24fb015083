import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findKubectlError, findObstacle, kubectlMissing, readPluginCall } from './check-kubectl.ts';
import { findNpmError } from './check-npm.ts';
import { findUsageError } from './check-waypost.ts';
import { allBlocks, pages, placeOf, root, shellBlocks } from './pages.ts';
import { scriptOf } from './read-blocks.ts';
import { readMark } from './read-mark.ts';
import { splitCommands } from './split-commands.ts';

const textOf = (file: string): string => readFileSync(`${root}${file}`, 'utf8');

/** Command lines of waypost within sentences and tables; `waypost gue 6080` is the alias of an interface. */
const inSentences = pages.flatMap((file) =>
  [...textOf(file).matchAll(/`waypost (?!gue )([a-z][^`\n]*)`/g)].flatMap(([, line = '']) =>
    splitCommands(line.replaceAll(/\\(?=\|)|[[\]]/g, ''))
      .slice(0, 1)
      .map((words) => ({ place: `${file} ${words.join(' ')}`, words })),
  ),
);

/** The commands of a program in all blocks, with their place. */
function commandsOf(program: string): readonly { readonly place: string; readonly words: readonly string[] }[] {
  return shellBlocks.flatMap((block) =>
    splitCommands(scriptOf(block))
      .filter(([name = '']) => name === program || name.endsWith(`/${program}`))
      .map(([, ...words]) => ({ place: `${placeOf(block)} ${words.join(' ')}`, words })),
  );
}

const throughPlugin = commandsOf('kubectl').flatMap(({ place, words }) => {
  const call = readPluginCall(words);
  return call === null ? [] : [{ place, words: call }];
});

const missing = kubectlMissing === null ? '' : ` [skipped: ${kubectlMissing}]`;

test('there are pages, and commands in them', () => {
  expect(pages).toContain('README.md');
  expect(pages.length).toBeGreaterThan(10);
  expect(shellBlocks.length).toBeGreaterThan(10);
});

test('every block of commands says its language, and whether it runs', () => {
  const wrong = shellBlocks.flatMap((block) => {
    if (block.language === '') return [`${placeOf(block)} has commands and names no language`];
    if (block.mark === null) return [`${placeOf(block)} has no comment <!-- runs: ... --> on the line before`];
    const mark = readMark(block.mark);
    if (!mark.ok) return [`${placeOf(block)}: ${mark.problem.message}`];
    return scriptOf(block).trim() === '' ? [`${placeOf(block)} has no command`] : [];
  });
  expect(wrong).toEqual([]);
});

test('no mark stands before anything else', () => {
  const marks = pages.flatMap((file) => textOf(file).match(/^\s*<!--\s*runs:/gm) ?? []);
  expect(allBlocks.filter(({ mark }) => mark !== null)).toHaveLength(marks.length);
});

describe('commands are those that there are', () => {
  test.each(commandsOf('waypost'))('waypost: $place', async ({ words }) => {
    expect(await findUsageError(words)).toBeNull();
  });

  test.each(throughPlugin)('by the plugin of kubectl: $place', async ({ words }) => {
    expect(await findUsageError(words)).toBeNull();
  });

  test.each(inSentences)('in a sentence: $place', async ({ words }) => {
    // A sentence may name a command without what it needs.
    expect((await findUsageError(words)) ?? '').toMatch(/^(?:$|waypost: missing required argument|Usage: )/);
  });

  test('an option that there is not would be found', async () => {
    expect(await findUsageError(['services', '--errros'])).toMatch(/unknown option '--errros'/);
    expect(await findUsageError(['serve'])).toMatch(/unknown command 'serve'/);
  });

  test.each(commandsOf('npm'))('npm: $place', ({ words }) => {
    expect(findNpmError(words)).toBeNull();
  });
});

describe('kubectl takes its arguments', () => {
  const commands = commandsOf('kubectl')
    .filter(({ words }) => words[0] !== 'waypost')
    .map((command) => ({ ...command, obstacle: findObstacle(command.words) }));
  for (const { place, words, obstacle } of commands) {
    if (obstacle !== null) process.stderr.write(`SKIPPED: ${place}: ${obstacle}\n`);
    test.skipIf(obstacle !== null)(`${place}${obstacle === null ? '' : ` [skipped: ${obstacle}]`}`, () => {
      expect(findKubectlError(words)).toBeNull();
    });
  }

  test.skipIf(kubectlMissing !== null)(`an option that there is not would be found${missing}`, () => {
    expect(findKubectlError(['get', 'events', '--field-selektor', 'a=b'])).toMatch(/unknown flag: --field-selektor/);
  });
});
