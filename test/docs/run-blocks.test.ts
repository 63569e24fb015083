import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, createLab, createTemporaryFolder, pollUntil, startWaypost } from '../lab/mod.ts';
import type { Lab, RunningWaypost } from '../lab/mod.ts';
import type { TemporaryFolder } from '../lab/temporary-folder.ts';
import { placeOf, shellBlocks } from './pages.ts';
import { answersOf, findMissingLines, scriptOf } from './read-blocks.ts';
import { fillWords, readMark } from './read-mark.ts';
import type { NodeMode } from './read-mark.ts';
import { runScript } from './run-script.ts';
import { writeNodeFiles } from './write-node-files.ts';

const modes: readonly NodeMode[] = ['iptables', 'nftables'];

const running = shellBlocks.flatMap((block) => {
  const mark = readMark(block.mark ?? '');
  if (!mark.ok || mark.value.where !== 'node') return [];
  const { mode, words, code, shown } = mark.value;
  return [
    { place: placeOf(block), mode, code, answers: shown ? answersOf(block) : [], script: fillWords(scriptOf(block), words) },
  ];
});

describeWhere(await canMakeNamespaces(), 'the blocks of the documentation run on a node', () => {
  let folder: TemporaryFolder;

  beforeAll(async () => {
    folder = await createTemporaryFolder('waypost-docs-');
  });
  afterAll(() => folder?.[Symbol.asyncDispose]());

  describe.each(modes)('in mode %s', (mode) => {
    let lab: Lab;
    let files: string;
    let agent: RunningWaypost;

    beforeAll(async () => {
      lab = await createLab();
      const written = await writeNodeFiles(folder.path, mode);
      files = written.files;
      agent = await startWaypost(lab.node1, {
        manifests: written.manifests,
        config: { mode },
        flags: ['--dns', '--dns-config', join(files, 'coredns')],
      });
      await pollUntil(
        'the resolver to be ready',
        async () => ((await lab.node1.get('http://127.0.0.1:8181/ready')).status === 200 ? true : null),
        { explain: () => agent.process.output },
      );
    });

    afterAll(() => lab?.close());

    test('there are some', () => {
      expect(running.filter((one) => one.mode === mode).length).toBeGreaterThan(1);
    });

    test.each(running.filter((one) => one.mode === mode))('$place', async ({ script, code, answers }) => {
      const ended = await runScript(lab.node1, script, files);
      // What it printed stands beside the code, so that a failure shows it.
      expect(ended).toEqual({ code, output: ended.output });
      expect({ missing: findMissingLines(answers, ended.output), output: ended.output }).toEqual({
        missing: [],
        output: ended.output,
      });
    });
  });
});
