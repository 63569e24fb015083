import { expect, test } from 'vitest';
import { looksLikeShell, readBlocks, scriptOf } from './read-blocks.ts';
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
    value: { where: 'node', mode: 'nftables', code: 1, words: new Map([['NODE', '192.0.2.12']]) },
  });
  expect(fillWords('curl NODE/NODES', new Map([['NODE', 'x']]))).toBe('curl x/NODES');
  expect(readMark('nowhere: needs a cluster')).toEqual({ ok: true, value: { where: 'nowhere', reason: 'needs a cluster' } });
});

test.each(['nowhere', 'nowhere:', 'cluster', 'node mode=ipvs', 'node x=1'])('the mark %j is none', (text) => {
  expect(readMark(text).ok).toBe(false);
});
