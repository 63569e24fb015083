import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { describeWhere } from '../lab/describe-lab.ts';
import {
  canMakeNamespaces,
  createLab,
  createTemporaryFolder,
  launcher,
  listenOnAll,
  pollUntil,
  startWaypost,
  writeManifest,
} from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import type { TemporaryFolder } from '../lab/temporary-folder.ts';
import { nodeObject, ready, service, slices } from '../packets/objects.ts';
import { expectAnswers } from './expect-answers.ts';
import { hasProgram, linkPrograms } from './programs.ts';
import { ownCounters, readRules } from './ruleset.ts';

/** What makes the agent leave alone what belongs to the machine's own namespace (specification 6.3). */
const flags = ['--proxy-mode=iptables', '--hostname-override=node-1', '--conntrack-max-per-core=0', '--oom-score-adj=0'];

const good = service('good', 1);
const fine = service('fine', 2);

describeWhere(await canMakeNamespaces(), 'what an operator may get wrong', () => {
  let lab: Lab;
  let folder: TemporaryFolder;
  let manifests: string;

  beforeAll(async () => {
    lab = await createLab({ podsOnNode1: ['c1', 'p1'], podsOnNode2: [] });
    await lab.place('p1').listen(listenOnAll([8080]));
  });

  afterAll(() => lab?.close());

  beforeEach(async () => {
    folder = await createTemporaryFolder('waypost-bad-');
    manifests = join(folder.path, 'manifests');
    await mkdir(manifests);
    await writeManifest(manifests, 'node.json', [nodeObject()]);
    await writeManifest(manifests, 'good.json', [good.object, ...slices('good', [ready('p1')])]);
  });

  afterEach(() => folder?.[Symbol.asyncDispose]());

  /** Runs a command of the agent to its end and makes sure that it left the kernel alone. */
  async function runToEnd(...words: readonly string[]): Promise<{ readonly code: number | null; readonly text: string }> {
    const [command = launcher, ...args] = words;
    const { code, stdout, stderr } = await lab.node1.exec(command, args);
    expect(stdout).toBe('');
    for (const variant of ['nft', 'legacy'] as const) {
      expect([...ownCounters(await readRules(lab, lab.node1, variant)).keys()]).toEqual([]);
    }
    return { code, text: stderr };
  }

  /** New connections through a Service reach its back end, in every family. */
  async function expectServed(of: typeof good): Promise<void> {
    for (const family of lab.families) {
      await expectAnswers(lab.place('c1'), { family, destination: of.clusterIp.addresses[family] ?? '', port: 80 }, ['p1']);
    }
  }

  test('an unknown flag: exit code 1, and the flag that was meant', async () => {
    const { code, text } = await runToEnd(launcher, 'run', '--manifests', manifests, '--proxy-moed=iptables');
    expect(code).toBe(1);
    expect(text).toContain("unknown option '--proxy-moed'");
    expect(text).toContain('--proxy-mode');
    expect(text).not.toMatch(/^\s+at /m);
  });

  test('[SP-140] bad values in the configuration: exit code 1, and all of them by name', async () => {
    const file = join(folder.path, 'config.yaml');
    const config = { iptables: { masqueradeBit: 99 }, clusterCIDR: '10.0.0.0/99', nodePortAddresses: ['nowhere'] };
    const kind = { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', mode: 'iptables' };
    await writeFile(file, stringify({ ...kind, ...config }));
    const { code, text } = await runToEnd(launcher, 'run', '--manifests', manifests, '--config', file);
    expect(code).toBe(1);
    for (const field of ['iptables.masqueradeBit', 'clusterCIDR', 'nodePortAddresses']) expect(text).toContain(field);
  });

  test.each([
    ['that is not there', null, /no such file/],
    ['that is no YAML', '{ contexts: [', /kubeconfig/],
    [
      'without a current context',
      'apiVersion: v1\nkind: Config\ncurrent-context: away\n',
      /current-context "away" names no context/,
    ],
  ] as const)('a kubeconfig %s: exit code 1, and the file by name', async (_, content, said) => {
    const file = join(folder.path, 'kubeconfig');
    if (content !== null) await writeFile(file, content);
    const { code, text } = await runToEnd(launcher, 'run', ...flags, '--kubeconfig', file);
    expect(code).toBe(1);
    expect(text).toContain(file);
    expect(text).toContain('code=WP_KUBE_CONFIG');
    expect(text).toMatch(said);
  });

  describeWhere(hasProgram('setpriv', 'util-linux'), 'without the capability NET_ADMIN', () => {
    test.each(['run', 'cleanup'])('%s ends with code 1 and says what is missing and how to get it', async (command) => {
      const drop = ['--bounding-set', '-net_admin', '--inh-caps', '-net_admin'];
      const args = command === 'run' ? [...flags, '--manifests', manifests] : [];
      const { code, text } = await runToEnd('setpriv', ...drop, launcher, command, ...args);
      expect(code).toBe(1);
      expect(text).toContain('CAP_NET_ADMIN');
      expect(text).toContain('securityContext.capabilities');
    });
  });

  test('without the iptables tools: exit code 1, and their names', async () => {
    const tools = await linkPrograms(folder.path, /^(?:ip6?tables|xtables)/);
    const { code, text } = await runToEnd('env', `PATH=${tools}`, launcher, 'run', ...flags, '--manifests', manifests);
    expect(code).toBe(1);
    expect(text).toContain('code=WP_IPTABLES_TOOL_MISSING');
    expect(text).toContain('iptables-nft-restore');
  });

  test('a broken manifest beside good ones: file, document and line are told, and the good ones are served', async () => {
    const documents = [fine.object, ...slices('fine', [ready('p1')])].map((object) => stringify(object));
    await writeFile(join(manifests, 'half.yaml'), `${documents[0]}---\nkind: Service\nmetadata: }\n`);
    await writeFile(join(manifests, 'fine.yaml'), documents.join('---\n'));
    await using agent = await startAgent();
    const line = agent.lineWith('half.yaml');
    expect(line).toContain('code=WP_KUBE_MANIFEST_SYNTAX');
    const linesBefore = (documents[0] ?? '').trimEnd().split('\n').length;
    // After the mark between the documents comes its first line, then the one with the stray bracket.
    expect(line).toContain(`half.yaml: document 2, line ${linesBefore + 3}:`);
    await expectServed(good);
    await expectServed(fine);
  });

  test('Services that make no sense beside good ones: each is told with its place and its field, and the good ones are served', async () => {
    const broken = { apiVersion: 'v1', kind: 'Service' };
    const badPort = { name: 'odd', protocol: 'TCP', port: 70_000 } as const;
    await writeManifest(manifests, 'mixed.json', [
      { ...broken, metadata: { name: 'no-spec', namespace: 'default' } },
      { ...broken, metadata: { namespace: 'default' }, spec: {} },
      service('bad-port', 7, { ports: [badPort, { ...badPort, name: 'even', port: 80 }] }).object,
      { ...service('bad-address', 8).object, spec: { clusterIP: '10.96.0.300', ports: [{ port: 80 }] } },
      { apiVersion: 'v1', kind: 'Sevrice', metadata: { name: 'typing' } },
      fine.object,
      ...slices('fine', [ready('p1')]),
      ...slices('bad-port', [ready('p1')], { ports: [{ name: 'even', protocol: 'TCP', port: 8080 }] }),
    ]);
    await using agent = await startAgent();
    for (const [item, words] of [
      [1, ['default/no-spec', 'spec is missing']],
      [2, ['name']],
      [3, ['default/bad-port', '70000']],
      [4, ['default/bad-address', '10.96.0.300']],
      [5, ['Sevrice']],
    ] as const) {
      const line = agent.lineWith(`item ${item}:`);
      expect(line).toContain('mixed.json: document 1, line ');
      for (const word of words) expect(line).toContain(word);
    }
    await expectServed(good);
    await expectServed(fine);
    // Of a Service with one bad port, the other one is served.
    await expectServed(service('bad-port', 7));
  });

  test('a good manifest that is spoilt while the agent runs: what it said before stays in force', async () => {
    await using agent = await startAgent();
    await writeFile(join(manifests, 'good.json'), '{ "kind": "Serv');
    expect(await agent.waitLine('good.json')).toContain('code=WP_KUBE_MANIFEST_SYNTAX');
    await expectServed(good);
  });

  /** The agent on the folder of manifests, healthy; what it wrote is gone when it is disposed of. */
  async function startAgent(): Promise<
    AsyncDisposable & { lineWith(text: string): string; waitLine(text: string): Promise<string> }
  > {
    const agent = await startWaypost(lab.node1, { manifests, config: { mode: 'iptables' } });
    const find = (text: string): string | undefined => agent.process.output.split('\n').find((line) => line.includes(text));
    return {
      lineWith: (text) => find(text) ?? assert.fail(`no line with "${text}" in:\n${agent.process.output}`),
      waitLine: (text) =>
        pollUntil(`a line with ${text}`, async () => find(text) ?? null, {
          explain: () => agent.process.output,
        }),
      async [Symbol.asyncDispose]() {
        await agent.stop();
        const { code, stderr } = await lab.node1.exec(launcher, ['cleanup']);
        if (code !== 0) throw new Error(stderr);
      },
    };
  }
});
