import { expect, test } from 'vitest';
import { runMigrationCheck } from './check-migrate.ts';
import { bareNode, ipvsNode } from './migrate-facts.fixture.ts';
import type { MigrationFacts } from './migrate-facts.ts';

async function run(
  facts: MigrationFacts,
  output: 'text' | 'json' | 'yaml' = 'text',
  flags: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const printed = { out: '', err: '' };
  const terminal = {
    out: (text: string): void => void (printed.out += text),
    err: (text: string): void => void (printed.err += text),
  };
  const texts = new Map(Object.entries(flags).map(([name, value]) => [name, [value]]));
  const code = await runMigrationCheck(texts, output, terminal, { find: async () => facts.kubeProxy, gather: async () => facts });
  return { code, ...printed };
}

test('a node without kube-proxy: one line says so, exit code 0', async () => {
  const { code, out } = await run(bareNode);
  expect([code, out]).toEqual([
    0,
    'kube-proxy absent, mode -; waypost mode iptables\nok       no kube-proxy runs on this node, and none has left anything: there is nothing to take over\n',
  ]);
});

test('without flags the agent is meant to run with the settings of kube-proxy', async () => {
  const kubeProxy = { process: { pid: 7, argv: ['kube-proxy', '--proxy-mode=ipvs'], file: null }, page: null };
  const { code, out } = await run({ ...ipvsNode, kubeProxy }, 'json');
  const document = JSON.parse(out) as Readonly<Record<string, unknown>>;
  expect(document).toMatchObject({ version: 1, mode: 'ipvs', kubeProxy: { state: 'running', mode: 'ipvs' } });
  expect(Object.keys(document)).toEqual(['version', 'mode', 'kubeProxy', 'findings']);
  expect(code).toBe(0);
});

test('an error among the findings is exit code 1, and wrong flags are told and nothing else', async () => {
  const kubeProxy = { process: { pid: 7, argv: ['kube-proxy', '--proxy-mode=userspace'], file: null }, page: null };
  expect((await run({ ...bareNode, kubeProxy })).code).toBe(1);
  const wrong = await run(bareNode, 'text', { 'proxy-mode': 'x' });
  expect([wrong.code, wrong.out]).toEqual([1, '']);
  expect(wrong.err).toMatch(/mode must be one of/);
});
