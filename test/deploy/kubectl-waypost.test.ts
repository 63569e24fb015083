import { spawnSync } from 'node:child_process';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTemporaryFolder } from '../lab/mod.ts';
import type { TemporaryFolder } from '../lab/temporary-folder.ts';
import { readDaemonSet } from './read-rendered.ts';

const plugin = fileURLToPath(new URL('../../deploy/kubectl-waypost', import.meta.url));
const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0;
const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

let folder: TemporaryFolder;
const calls = (): string => join(folder.path, 'calls');

/** A stand-in that notes its arguments, one a line, prints `pods` for a list and ends an exec with `code`. */
async function writeKubectl(pods: string, code = 0): Promise<void> {
  const text = `#!/bin/sh
printf '%s\\n' "$@" 'end of call' >> '${calls()}'
case " $* " in
  *' exec '*) echo "from the agent"; exit ${code} ;;
  *' get pods '*) printf '${pods}'; ;;
esac
`;
  await writeFile(join(folder.path, 'kubectl'), text);
  await chmod(join(folder.path, 'kubectl'), 0o755);
}

function run(...args: readonly string[]): { readonly code: number | null; readonly out: string; readonly err: string } {
  const env = { ...process.env, PATH: `${folder.path}:${process.env['PATH'] ?? ''}` };
  const { status, stdout, stderr } = spawnSync('sh', [plugin, ...args], { env, encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
}

/** The calls of kubectl, each as its arguments. */
async function readCalls(): Promise<readonly string[][]> {
  const text = await readFile(calls(), 'utf8').catch(() => '');
  return text
    .split('end of call\n')
    .slice(0, -1)
    .map((one) => one.trimEnd().split('\n'));
}

const two = 'node-a waypost-1 \\nnode-b waypost-2 \\n';

beforeAll(async () => {
  folder = await createTemporaryFolder('waypost-plugin-');
});
afterAll(() => folder?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await rm(calls(), { force: true });
  await writeKubectl(two);
});

test(`shells take it${hasShellcheck ? '' : ' [skipped for shellcheck: it is not installed]'}`, () => {
  for (const argv of [['sh', '-n'], ['bash', '--posix', '-n'], ...(hasShellcheck ? [['shellcheck', '-s', 'sh']] : [])]) {
    const [shell = '', ...rest] = argv;
    const { status, stdout, stderr } = spawnSync(shell, [...rest, plugin], { encoding: 'utf8' });
    expect({ shell, status, stdout, stderr }).toEqual({ shell, status: 0, stdout: '', stderr: '' });
  }
});

test('its label, container and namespace are those of the manifests', async () => {
  const { metadata, spec } = readDaemonSet('base');
  const text = await readFile(plugin, 'utf8');
  const label = Object.entries(spec?.selector.matchLabels ?? {}).map(([name, value]) => `${name}=${value}`);
  expect(text).toContain(`selector=${label.join(',')}\n`);
  expect(text).toContain(`namespace=${metadata?.namespace ?? ''}\n`);
  expect(text).toContain(` -c ${spec?.template.spec?.containers[0]?.name ?? ''} -- `);
});

describe('a command', () => {
  test('runs in the pod of the node, and what the agent says is passed on', async () => {
    expect(run('--node', 'node-b', 'services', '-n', 'shop', '--errors')).toEqual({ code: 0, out: 'from the agent\n', err: '' });
    const [list, exec] = await readCalls();
    expect(list?.slice(0, 6)).toEqual(['-n', 'kube-system', 'get', 'pods', '-l', 'app.kubernetes.io/name=waypost']);
    expect(exec).toEqual(
      ['-n', 'kube-system', 'exec', 'waypost-2', '-c', 'waypost', '--'].concat('waypost', 'services', '-n', 'shop', '--errors'),
    );
  });

  test('its arguments come through as they are', async () => {
    run('--node=node-a', '--namespace=net', 'trace', 'a b', "it's");
    const [, exec] = await readCalls();
    expect(exec).toEqual(['-n', 'net', 'exec', 'waypost-1', '-c', 'waypost', '--', 'waypost', 'trace', 'a b', "it's"]);
  });

  test('its exit code is passed on', async () => {
    await writeKubectl(two, 7);
    expect(run('--node', 'node-a', 'status').code).toBe(7);
  });

  test('needs no node where there is one agent; one that is being deleted does not count', async () => {
    await writeKubectl('node-a waypost-0 2026-01-02T03:04:05Z\\nnode-a waypost-1 \\n');
    expect(run('status').code).toBe(0);
    expect((await readCalls())[1]).toContain('waypost-1');
  });
});

describe('what is wrong is said', () => {
  test.each([
    ['several nodes', ['status'], 2, 'say whose agent with --node; there is one on: node-a node-b'],
    ['another node', ['--node', 'node-c', 'status'], 1, 'no agent runs on node node-c; there is one on: node-a node-b'],
    ['no command', ['--node', 'node-a'], 2, 'no command is named; kubectl waypost --help says more'],
    ['no value', ['--node'], 2, '--node needs a value'],
    ['an unknown option', ['--nod', 'x', 'status'], 2, 'unknown option --nod; options of the command stand behind it'],
    ['words behind nodes', ['nodes', 'x'], 2, 'nodes takes no arguments'],
  ] as const)('%s', (_, args, code, sentence) => {
    expect(run(...args)).toEqual({ code, out: '', err: `kubectl waypost: ${sentence}\n` });
  });

  test('no agent at all', async () => {
    await writeKubectl('');
    expect(run('-n', 'net', 'status').err).toBe(
      'kubectl waypost: no agent runs in namespace net (pods with the label app.kubernetes.io/name=waypost)\n',
    );
  });

  test('a kubectl that fails ends it, with its own words', async () => {
    await writeFile(join(folder.path, 'kubectl'), '#!/bin/sh\necho "Unauthorized" >&2\nexit 3\n');
    expect(run('--node', 'node-a', 'status')).toEqual({ code: 3, out: '', err: 'Unauthorized\n' });
  });
});

test('nodes lists the nodes with the state of their agents', async () => {
  await writeKubectl('NODE POD\\n');
  expect(run('nodes')).toEqual({ code: 0, out: 'NODE POD\n', err: '' });
  const [list] = await readCalls();
  expect(list?.join(' ')).toMatch(/^-n kube-system get pods -l \S+ --sort-by=\S+ -o custom-columns=NODE:.*READY:/);
});

test('help goes to standard output', () => {
  expect(run('--help')).toMatchObject({ code: 0, err: '', out: expect.stringContaining('--node NODE') as string });
});

test.skipIf(!hasKubectl)(`kubectl takes these arguments${hasKubectl ? '' : ' [skipped: kubectl is not installed]'}`, async () => {
  run('nodes');
  run('--node', 'node-a', 'status');
  for (const call of await readCalls()) {
    const { status, stderr } = spawnSync('kubectl', ['--server=http://127.0.0.1:1', ...call], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('127.0.0.1:1') as string });
  }
});
