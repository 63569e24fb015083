import { spawnSync } from 'node:child_process';
import { Command, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { runWords } from './agent-stage.fixture.ts';
import { formatBash } from './completion-bash.ts';
import { formatFish } from './completion-fish.ts';
import { describeCommandTree } from './completion-tree.ts';
import { formatZsh } from './completion-zsh.ts';

const { out: bashScript } = await runWords('completion', 'bash');

/** Runs a shell with a script on its standard input. */
function runShell(
  argv: readonly string[],
  script: string,
): { readonly status: number | null; readonly out: string; readonly err: string } {
  const [program = '', ...rest] = argv;
  const { status, stdout, stderr } = spawnSync(program, rest, { input: script, encoding: 'utf8' });
  return { status, out: stdout, err: stderr };
}

function isInstalled(shell: string): boolean {
  return spawnSync(shell, ['--version']).status === 0;
}

const unlessInstalled = (shell: string): string => (isInstalled(shell) ? '' : ` [skipped: ${shell} is not installed]`);

/** What bash offers for the last word; words are cut as bash cuts them. */
function completeInBash(...words: readonly string[]): readonly string[] {
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const ask = `COMP_WORDS=(waypost ${quoted})\nCOMP_CWORD=${words.length}\n_waypost\nprintf '%s\\n' "\${COMPREPLY[@]}"\n`;
  const { status, out } = runShell(['bash', '--norc', '-s'], bashScript + ask);
  expect(status).toBe(0);
  return out.split('\n').filter((line) => line !== '');
}

describe(`bash${unlessInstalled('bash')}`, () => {
  test.skipIf(!isInstalled('bash'))('accepts the script', () => {
    expect(runShell(['bash', '-n'], bashScript)).toEqual({ status: 0, out: '', err: '' });
  });

  test.skipIf(!isInstalled('bash'))('offers commands, options, and what values may be', () => {
    expect(completeInBash('')).toEqual(expect.arrayContaining(['run', 'status', 'endpoints', 'completion']) as string[]);
    expect(completeInBash('s')).toEqual(['status', 'services']);
    expect(completeInBash('dns', '')).toEqual(['lookup', 'log', 'convert', 'help']);
    expect(completeInBash('dns', 'log', 'o')).toEqual(['on', 'off']);
    expect(completeInBash('services', '--e')).toEqual(['--errors']);
    expect(completeInBash('services', '-o', '')).toEqual(['table', 'json', 'yaml']);
    expect(completeInBash('services', '--output', '=')).toEqual(['table', 'json', 'yaml']);
    expect(completeInBash('services', '--output', '=', 'y')).toEqual(['yaml']);
    expect(completeInBash('trace', '--family', 'IPv4', '--dev')).toEqual(['--device']);
    expect(completeInBash('run', '--ipvs-sched')).toEqual(['--ipvs-scheduler']);
    // A flag that may stand alone takes no word; one with a value has bash offer files.
    expect(completeInBash('run', '--masquerade-all', '--conf')).toEqual(['--config', '--config-sync-period']);
    expect(completeInBash('run', '--config', '')).toEqual([]);
    expect(completeInBash('nonsense', '-')).toEqual(expect.arrayContaining(['--version']) as string[]);
  });
});

describe(`fish${unlessInstalled('fish')}`, () => {
  test.skipIf(!isInstalled('fish'))('offers commands, options, and what values may be', async () => {
    const { out: script } = await runWords('completion', 'fish');
    const complete = (line: string): readonly string[] => {
      const { out } = runShell(['fish', '--no-config', '-c', `${script}complete -C ${JSON.stringify(line)}\n`], '');
      return out.split('\n').flatMap((one) => one.split('\t')[0] || []);
    };
    expect(complete('waypost s').toSorted()).toEqual(['services', 'status']);
    expect(complete('waypost dns log ').toSorted()).toEqual(['off', 'on']);
    expect(complete('waypost services -o ').toSorted()).toEqual(['json', 'table', 'yaml']);
    expect(complete('waypost services --err')).toEqual(['--errors']);
  });
});

describe(`zsh${unlessInstalled('zsh')}`, () => {
  test.skipIf(!isInstalled('zsh'))('offers commands, options, and what values may be', async () => {
    const { out: script } = await runWords('completion', 'zsh');
    // In place of the functions of its completion system, which need a terminal.
    const stand = `compdef() { : }\n_describe() { local name=$argv[-1]; print -rl -- \${(P)name} }\n_files() { print files }
compset() { : }\ncompadd() { print -rl -- "\${@[2,-1]}" }\n`;
    const complete = (...words: readonly string[]): readonly string[] => {
      const ask = `words=(waypost ${words.map((word) => `'${word}'`).join(' ')})\nCURRENT=$#words\n_waypost\n`;
      const { out } = runShell(['zsh', '-f', '-s'], stand + script + ask);
      return out.split('\n').flatMap((one) => one.split(':')[0] || []);
    };
    expect(complete('')).toEqual(expect.arrayContaining(['run', 'status', 'completion']) as string[]);
    expect(complete('dns', 'log', '')).toEqual(['on', 'off']);
    expect(complete('services', '--output=j')).toEqual(['table', 'json', 'yaml']);
    expect(complete('services', '-')).toEqual(expect.arrayContaining(['--errors', '-n']) as string[]);
    expect(complete('run', '--config', '')).toEqual(['files']);
  });
});

test('quotes in what help says harm no script', () => {
  const program = new Command('waypost').addCommand(
    new Command('odd')
      .description(String.raw`it's \ "odd" $(exit 3)`)
      .addOption(new Option('--kind <k>', "who's").choices(['a', 'b'])),
  );
  const tree = describeCommandTree(program);
  expect(tree.map(({ path }) => path)).toEqual(['', 'odd', 'help']);
  expect(tree[1]?.options[0]).toEqual({ names: ['--kind'], help: "who's", takesValue: true, values: ['a', 'b'] });
  expect(formatZsh(tree)).toContain(String.raw`'odd:it'\''s \ "odd" $(exit 3)'`);
  expect(formatFish(tree)).toContain(String.raw`-a 'odd' -d 'it\'s \\ "odd" $(exit 3)'`);
  expect(formatBash(tree)).toContain(`'odd --kind') words='a b' ;;`);
});

test('a shell that it does not know, and none', async () => {
  const wrong = await runWords('completion', 'tcsh');
  expect([wrong.out, wrong.err]).toEqual(['', expect.stringContaining("'tcsh' is invalid") as string]);
  expect(wrong.code).not.toBe(0);
  expect((await runWords('completion')).code).not.toBe(0);
});
