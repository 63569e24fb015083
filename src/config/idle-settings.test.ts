import { describe, expect, test } from 'vitest';
import { makeConfig } from './load-config.ts';
import type { Loaded } from './load-config.ts';

const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';

function fromFlags(flags: Readonly<Record<string, string>>): Loaded {
  return makeConfig(new Map(Object.entries(flags).map(([name, value]) => [name, [value]])), null);
}

function fromFile(body: string): Loaded {
  return makeConfig(new Map(), { name: 'c.yaml', text: head + body });
}

function configOf(loaded: Loaded): Extract<Loaded, { ok: true }>['config'] {
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  return loaded.config;
}

function warningsOf(loaded: Loaded): readonly string[] {
  return loaded.warnings.map(({ message }) => message);
}

describe('feature gates', () => {
  test('[SP-34] AllowServiceExternalIPs is on unless it is switched off', () => {
    expect(configOf(fromFlags({})).externalIps).toBe(true);
    expect(configOf(fromFlags({ 'feature-gates': 'AllowServiceExternalIPs=false' })).externalIps).toBe(false);
    expect(configOf(fromFile('featureGates: {AllowServiceExternalIPs: false, ComponentFlagz: false}\n'))).toMatchObject({
      externalIps: false,
      gates: { ComponentFlagz: false, ComponentStatusz: true, NFTablesProxyMode: true },
    });
  });

  test('without a meaning here are named, with the nearest known one', () => {
    const loaded = fromFlags({ 'feature-gates': 'AllowServiceExternalIP=false,SidecarContainers=true,AllAlpha=true' });
    expect(warningsOf(loaded)).toEqual([
      'featureGates: AllowServiceExternalIP has no effect here (did you mean AllowServiceExternalIPs?)',
      'featureGates: SidecarContainers has no effect here',
    ]);
  });
});

describe('[SP-139] what is accepted and does nothing is told with what happens instead', () => {
  test('of flags', () => {
    const loaded = fromFlags({
      'boot-id-file': '/x',
      'machine-id-file': '/y',
      'log-text-split-stream': 'true',
      'log-json-split-stream': 'false',
      'log-json-info-buffer-size': '1M',
      'log-flush-frequency': '1s',
      vmodule: 'proxier=9',
      v: '2',
      'config-sync-period': '1m',
      'kube-api-content-type': 'application/vnd.kubernetes.protobuf',
    });
    expect(warningsOf(loaded)).toEqual([
      '--config-sync-period: configSyncPeriod 1m0s has no effect: nothing is delivered again that has not changed',
      '--log-flush-frequency: logging.flushFrequency 1s has no effect: every line is written at once',
      '--vmodule: logging.vmodule ["proxier=9"] has no effect: one level holds for all of the log, 2 (-v)',
      '--log-text-split-stream has no effect: all of the log goes to standard error',
      '--log-json-info-buffer-size has no effect: every line is written at once',
      '--boot-id-file has no effect: the boot id is not read',
      '--machine-id-file has no effect: the machine id is not read',
    ]);
  });

  test('of a file, with its line', () => {
    const loaded = fromFile(
      'clientConnection:\n  acceptContentTypes: application/vnd.kubernetes.protobuf\nconfigSyncPeriod: 15m\n',
    );
    expect(warningsOf(loaded)).toEqual([
      'c.yaml:4: clientConnection.acceptContentTypes "application/vnd.kubernetes.protobuf" has no effect: the API server is asked for JSON',
    ]);
  });
});
