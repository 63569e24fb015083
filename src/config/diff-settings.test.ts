import { expect, test } from 'vitest';
import { diffSettings } from './diff-settings.ts';
import type { EffectiveConfig } from './effective-config.ts';
import { makeConfig } from './load-config.ts';

function configOf(text: string): EffectiveConfig {
  const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';
  const loaded = makeConfig(new Map(), { name: 'config.yaml', text: `${head}${text}` });
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message);
  return loaded.config;
}

test('fields that differ, with both values, and whether a running agent can take them', () => {
  const before = configOf('iptables: {syncPeriod: 30s}\n');
  const after = configOf('iptables: {syncPeriod: 1m}\nclusterCIDR: 10.244.0.0/16\nlogging: {verbosity: 4}\n');
  expect(diffSettings(before, after)).toEqual([
    { path: 'logging.verbosity', before: '0', after: '4', live: true },
    { path: 'iptables.syncPeriod', before: '30s', after: '1m0s', live: true },
    { path: 'clusterCIDR', before: '', after: '10.244.0.0/16', live: false },
  ]);
});

test('another way of writing the same is no difference', () => {
  expect(diffSettings(configOf('mode: ""\n'), configOf('mode: iptables\niptables: {syncPeriod: 0.5m}\n'))).toEqual([]);
});

test('another folder of manifests needs a restart', () => {
  const own = '---\napiVersion: waypost.dev/v1alpha1\nkind: WaypostConfiguration\nmanifests: /srv/manifests\n';
  expect(diffSettings(configOf(''), configOf(own))).toEqual([
    { path: 'manifests', before: '', after: '/srv/manifests', live: false },
  ]);
});
