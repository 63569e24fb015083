import { expect, test } from 'vitest';
import { answersOf, findMissingLines, looksLikeShell, readBlocks, scriptOf } from './read-blocks.ts';
import { fillWords, readMark } from './read-mark.ts';

const page = `# Page

<!-- runs: node mode=nftables NODE=192.0.2.12 -->
\`\`\`console
$ curl NODE
answer
\`\`\`

- a list

  \`\`\`sh
  waypost status
  \`\`\`

\`\`\`
kubectl get nodes
\`\`\`
`;

test('blocks have their language, line and mark', () => {
  const blocks = readBlocks('page.md', page);
  expect(blocks.map(({ line, language, mark }) => [line, language, mark])).toEqual([
    [4, 'console', 'node mode=nftables NODE=192.0.2.12'],
    [11, 'sh', null],
    [15, '', null],
  ]);
  expect(blocks.map(scriptOf)).toEqual(['curl NODE', 'waypost status', 'kubectl get nodes']);
  expect(blocks.map(looksLikeShell)).toEqual([false, false, true]);
});

test('a mark says where a block runs, with which words, and how it ends', () => {
  const mark = readMark('node mode=nftables code=1 NODE=192.0.2.12');
  expect(mark).toEqual({
    ok: true,
    value: { where: 'node', mode: 'nftables', code: 1, shown: false, words: new Map([['NODE', '192.0.2.12']]) },
  });
  expect(fillWords('curl NODE/NODES', new Map([['NODE', 'x']]))).toBe('curl x/NODES');
  expect(readMark('nowhere: needs a cluster')).toEqual({ ok: true, value: { where: 'nowhere', reason: 'needs a cluster' } });
});

test('answers are the lines of a session that are no commands', () => {
  const [session, script] = readBlocks('page.md', page);
  expect([session, script].map((block) => (block === undefined ? null : answersOf(block)))).toEqual([['answer'], []]);
});

test('lines are looked for in order, whatever their numbers', () => {
  expect(findMissingLines(['A  1', 'b 22'], 'A 7\nsomething\nb 3\n')).toEqual([]);
  expect(findMissingLines(['b 1', 'A 1'], 'A 7\nb 3\n')).toEqual(['A 1']);
});

test.each(['nowhere', 'nowhere:', 'cluster', 'node mode=ipvs', 'node x=1'])('the mark %j is none', (text) => {
  expect(readMark(text).ok).toBe(false);
});
