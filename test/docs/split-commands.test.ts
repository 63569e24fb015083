import { expect, test } from 'vitest';
import { splitCommands } from './split-commands.ts';

test.each([
  ['waypost status   # healthy or not', [['waypost', 'status']]],
  [
    'waypost services --connections | grep draining',
    [
      ['waypost', 'services', '--connections'],
      ['grep', 'draining'],
    ],
  ],
  ['a \\\n  b', [['a', 'b']]],
  [`kubectl patch -p '{"a":\n {}}' x`, [['kubectl', 'patch', '-p', '{"a":\n {}}', 'x']]],
  ['source <(bin/waypost completion bash)', [['source'], ['bin/waypost', 'completion', 'bash']]],
  ['a#b "c d"', [['a#b', 'c d']]],
  ['# nothing\n', []],
])('%j', (script, commands) => {
  expect(splitCommands(script)).toEqual(commands);
});
