import { expect, test } from 'vitest';
import { flagsOfCommand, isRunning, modeOf, nameRunning, settingsOf } from './kube-proxy-facts.ts';
import type { KubeProxyPage, KubeProxyProcess } from './kube-proxy-facts.ts';

const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';

const byFile: KubeProxyProcess = {
  pid: 4711,
  argv: ['/usr/local/bin/kube-proxy', '--config=/var/lib/kube-proxy/config.conf', '--hostname-override=node-1'],
  file: { name: '/var/lib/kube-proxy/config.conf', text: `${head}mode: ipvs\nipvs: { scheduler: wlc }\n` },
};

const page: KubeProxyPage = { url: 'http://127.0.0.1:10249', mode: 'nftables', configz: null };

test('flags of a command line are read as kube-proxy reads them', () => {
  const argv = ['kube-proxy', 'extra', '--proxy_mode', 'ipvs', '--masquerade-all', '-v=2', '--nodeport-addresses=10.0.0.0/8'];
  expect([...flagsOfCommand(argv)]).toEqual([
    ['proxy-mode', ['ipvs']],
    ['masquerade-all', ['true']],
    ['v', ['2']],
    ['nodeport-addresses', ['10.0.0.0/8']],
  ]);
});

test('settings come from the file that the process names, with the flags that count beside it', () => {
  const settings = settingsOf({ process: byFile, page });
  expect(settings?.from).toBe('/var/lib/kube-proxy/config.conf of process 4711');
  expect(settings?.loaded.ok === true && [settings.loaded.config.mode, settings.loaded.config.hostnameOverride]).toEqual([
    'ipvs',
    'node-1',
  ]);
});

test('without a file they come from the flags, and without a process from a page that tells a version', () => {
  const flags = settingsOf({ process: { pid: 1, argv: ['kube-proxy', '--proxy-mode=nftables'], file: null }, page: null });
  expect(flags?.loaded.ok === true && flags.loaded.config.mode).toBe('nftables');
  const versioned = { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', mode: 'ipvs' };
  const told = settingsOf({
    process: null,
    page: { ...page, configz: JSON.stringify({ 'kubeproxy.config.k8s.io': versioned }) },
  });
  expect([told?.from, told?.loaded.ok === true && told.loaded.config.mode]).toEqual(['http://127.0.0.1:10249/configz', 'ipvs']);
});

test.each([null, '', 'no json', '{"kubeproxy.config.k8s.io":{"Mode":"ipvs"}}', '[]'])(
  'a page that says %j tells no settings',
  (configz) => {
    expect(settingsOf({ process: null, page: { ...page, configz } })).toBeNull();
  },
);

test('a file that cannot be read leaves the settings to the page, or unknown', () => {
  const hidden = { ...byFile, file: { name: '/x', text: null } };
  expect(settingsOf({ process: hidden, page: null })).toBeNull();
  expect([isRunning({ process: hidden, page: null }), modeOf({ process: hidden, page: null })]).toEqual([true, null]);
});

test('who runs is named by process, or by where it answers; the page knows its mode best', () => {
  expect(nameRunning({ process: byFile, page })).toBe('process 4711');
  expect(nameRunning({ process: null, page })).toBe('who answers at http://127.0.0.1:10249');
  expect([modeOf({ process: byFile, page }), modeOf({ process: byFile, page: null })]).toEqual(['nftables', 'ipvs']);
  expect(isRunning({ process: null, page: null })).toBe(false);
});
