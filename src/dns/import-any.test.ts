import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { kubeadmCorefile, nodeLocalCorefile, settingsOf } from './corefile.fixture.ts';
import { convertSettings, readAnySettings } from './import-any.ts';
import type { AnyOptions } from './import-any.ts';
import { lowerName, parseName, rootName } from './name.ts';
import type { Name } from './name.ts';
import type { DnsSettings } from './settings.ts';
import { defaultSettings, plainForward } from './settings-default.ts';
import type { NamedText } from './settings-reading.ts';

function missing(what: string): never {
  throw new Error(what);
}

const name = (text: string): Name => lowerName(parseName(text) ?? rootName);
const options: AnyOptions = {
  clusterDomain: name('cluster.local.'),
  upstreamFile: '/etc/resolv.conf',
  env: {},
  readImport: () => null,
};
const stock = defaultSettings(options);

function settings(files: readonly NamedText[]): DnsSettings {
  const reading = readAnySettings(files, options);
  return reading.ok ? reading.settings : missing(reading.problems.map(({ message }) => message).join('\n'));
}

function problems(files: readonly NamedText[]): readonly string[] {
  const reading = readAnySettings(files, options);
  return reading.ok ? [] : reading.problems.map(({ message }) => message);
}

const warnings = (files: readonly NamedText[]): readonly string[] =>
  readAnySettings(files, options).warnings.map(({ message }) => message);

const configMap = (data: Readonly<Record<string, string>>, mapName = 'kube-dns'): string =>
  stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: mapName, namespace: 'kube-system' }, data });

const kubeDns = {
  stubDomains: '{"Example.local": ["10.100.0.10:5353", "fd00::1"], "acme.test": ["1.2.3.4"]}',
  upstreamNameservers: '["8.8.8.8:53", "8.8.4.4"]',
  federations: 'prod=example.com',
};

const imported = [
  {
    ...plainForward,
    suffix: name('example.local.'),
    upstreams: [
      { address: '10.100.0.10', port: 5353 },
      { address: 'fd00::1', port: 53 },
    ],
  },
  { ...plainForward, suffix: name('acme.test.'), upstreams: [{ address: '1.2.3.4', port: 53 }] },
  {
    ...plainForward,
    upstreams: [
      { address: '8.8.8.8', port: 53 },
      { address: '8.8.4.4', port: 53 },
    ],
  },
];

describe('the ConfigMap of kube-dns', () => {
  test('[DNS-127] as a manifest: stub domains are rules, name servers take the place of resolv.conf, federations are told of', () => {
    const file = { name: 'cm.yaml', text: configMap(kubeDns) };
    expect(settings([file])).toEqual({ ...stock, blocks: [{ ...stock.blocks[0], forward: imported }] });
    expect(warnings([file])).toEqual(['cm.yaml (ConfigMap kube-dns): federations: names of federations are not served any more']);
  });

  test('[DNS-127] as the files of a mounted folder, and among other manifests', () => {
    const files = Object.entries(kubeDns).map(([key, text]) => ({ name: `/etc/kube-dns/${key}`, text }));
    expect(settings(files).blocks[0]?.forward).toEqual(imported);
    const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n';
    expect(settings([{ name: 'all.yaml', text: `${pod}---\n${configMap(kubeDns)}` }]).blocks[0]?.forward).toEqual(imported);
    const list = JSON.stringify({ kind: 'List', items: [{ kind: 'Pod' }, { kind: 'ConfigMap', data: kubeDns }] });
    expect(settings([{ name: 'all.json', text: list }]).blocks[0]?.forward).toEqual(imported);
  });

  test('[DNS-127] without upstream name servers resolv.conf stays, and what is not there is the stock', () => {
    const text = configMap({ stubDomains: '{"acme.test": ["1.2.3.4"]}' });
    expect(settings([{ name: 'cm', text }]).blocks[0]?.forward).toEqual([imported[1], stock.blocks[0]?.forward[0]]);
    expect(settings([{ name: 'stubDomains', text: ' ' }])).toEqual(stock);
  });

  test('[DNS-127] what is wrong is told with key and value', () => {
    const bad = {
      stubDomains: '{"a..b": ["10.0.0.1"], "c.test": [], "d.test": ["ns.example.org"]}',
      upstreamNameservers: '["1.1.1.1", "2.2.2.2", "3.3.3.3", "4.4.4.4"]',
    };
    expect(problems([{ name: 'cm', text: configMap(bad) }])).toEqual([
      'cm (ConfigMap kube-dns): upstreamNameservers: there may be 3 name servers and not 4',
      'cm (ConfigMap kube-dns): stubDomains: "a..b" is no domain',
      'cm (ConfigMap kube-dns): stubDomains: c.test has no name server',
      'cm (ConfigMap kube-dns): stubDomains: d.test: "ns.example.org" is no address such as 10.0.0.53 or 10.0.0.53:5353',
    ]);
    expect(problems([{ name: 'stubDomains', text: '{"a": "10.0.0.1"}' }])).toEqual([
      'stubDomains: stubDomains: must be JSON such as {"example.org": ["10.0.0.53"]}, not {"a": "10.0.0.1"}',
    ]);
    expect(problems([{ name: 'upstreamNameservers', text: '10.0.0.1' }])).toEqual([
      'upstreamNameservers: upstreamNameservers: must be JSON such as ["10.0.0.53"], not 10.0.0.1',
    ]);
  });
});

describe('any configuration', () => {
  test('[DNS-128] a Corefile by itself, under any name, in a folder and in a ConfigMap', () => {
    const wanted = settingsOf(kubeadmCorefile);
    expect(settings([{ name: 'Corefile', text: kubeadmCorefile }])).toEqual(wanted);
    expect(settings([{ name: 'dns.conf', text: kubeadmCorefile }])).toEqual(wanted);
    expect(
      settings([
        { name: '/etc/coredns/Corefile', text: kubeadmCorefile },
        { name: '/etc/coredns/NOTES', text: 'kind: x' },
      ]),
    ).toEqual(wanted);
    expect(settings([{ name: 'cm.yaml', text: configMap({ Corefile: kubeadmCorefile }, 'coredns') }])).toEqual(wanted);
    expect(settings([{ name: 'nl.yaml', text: configMap({ Corefile: nodeLocalCorefile }, 'node-local-dns') }])).toEqual(
      settingsOf(nodeLocalCorefile),
    );
    expect(settings([{ name: '/etc/coredns/Corefile.base', text: nodeLocalCorefile }])).toEqual(settingsOf(nodeLocalCorefile));
  });

  test('the resolv.conf of the node takes the place of what a manifest leaves open', () => {
    const files = [{ name: 'Corefile', text: '. {\n  autopath @kubernetes\n  forward . __PILLAR__UPSTREAM__SERVERS__\n}' }];
    const reading = readAnySettings(files, { ...options, upstreamFile: '/run/resolv.conf' });
    expect(reading.ok && reading.settings.blocks[0]).toMatchObject({
      autopath: { searchFile: '/run/resolv.conf' },
      forward: [{ upstreamFiles: ['/run/resolv.conf'] }],
    });
  });

  test('problems of a ConfigMap name the file and the line of the Corefile in it', () => {
    expect(problems([{ name: 'cm.yaml', text: configMap({ Corefile: '. {\n  etcd\n}\n' }, 'coredns') }])).toEqual([
      'cm.yaml (ConfigMap coredns):2: the plugin etcd is not supported',
    ]);
  });

  test('other keys of the ConfigMap, or files of the folder, can be imported', () => {
    const text = configMap(
      {
        Corefile: '. {\n import *.override\n import up\n}',
        'b.override': 'minimal',
        'a.override': 'loop',
        up: 'forward . 10.0.0.1',
      },
      'coredns',
    );
    expect(settings([{ name: 'cm', text }]).blocks[0]).toMatchObject({
      minimal: true,
      loop: true,
      forward: [{ suffix: rootName }],
    });
    const files = [
      { name: '/c/Corefile', text: 'import x.server' },
      { name: '/c/x.server', text: 'x.test {\n}' },
    ];
    expect(settings(files).blocks[0]?.zones).toEqual([name('x.test.')]);
  });

  test('our own document, good or bad', () => {
    const good = 'apiVersion: waypost.dev/v1alpha1\nkind: WaypostDNSConfiguration\nservers: [{zones: [a.test]}]\n';
    expect(settings([{ name: 'dns.yaml', text: good }]).blocks[0]?.zones).toEqual([name('a.test.')]);
    expect(problems([{ name: 'dns.yaml', text: `${good}]` }])[0]).toMatch(/^dns\.yaml:\d: not valid YAML/);
  });

  test('nothing, something else and too much are refused', () => {
    expect(problems([])).toEqual([
      'found neither a Corefile nor WaypostDNSConfiguration nor a ConfigMap of CoreDNS or kube-dns in an empty folder',
    ]);
    expect(problems([{ name: 'pod.yaml', text: 'kind: Pod' }])[0]).toMatch(/^found neither .* in pod\.yaml$/);
    const two = configMap(kubeDns) + '---\n' + configMap({ Corefile: '. {\n}' }, 'coredns');
    expect(problems([{ name: 'cm', text: two }])).toEqual([
      'found more than one configuration: cm (ConfigMap kube-dns), cm (ConfigMap coredns)',
    ]);
  });

  test('converts to our own document, which says the same', () => {
    const sources = [
      [{ name: 'Corefile', text: kubeadmCorefile }],
      [{ name: 'Corefile', text: nodeLocalCorefile }],
      [{ name: 'cm', text: configMap(kubeDns) }],
    ];
    for (const files of sources) {
      const { yaml, problems: found } = convertSettings(files, options);
      expect(found).toEqual([]);
      expect(settings([{ name: 'dns.yaml', text: yaml ?? '' }])).toEqual(settings(files));
    }
    expect(convertSettings([{ name: 'Corefile', text: '. {\n etcd\n}' }], options)).toMatchObject({
      yaml: null,
      problems: [{ code: 'WP_DNS_COREFILE_UNSUPPORTED' }],
    });
  });

  test('no text makes the reader throw', () => {
    const unit = fc.constantFrom(
      'kind: ',
      'ConfigMap',
      'data:\n',
      '  Corefile: |\n',
      '    . {\n',
      '    }\n',
      '  stubDomains: ',
      '{',
      '}',
      '[',
      ']',
      '"a"',
      ':',
      '\n',
      '---\n',
      '&a',
      '*a',
      'items: ',
      '- ',
    );
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 25 }), (parts) => {
        expect(readAnySettings([{ name: 'x', text: parts.join('') }], options)).toHaveProperty('ok');
      }),
      { numRuns: 1500 },
    );
    fc.assert(
      fc.property(fc.constantFrom('stubDomains', 'upstreamNameservers'), fc.json(), (key, text) => {
        expect(readAnySettings([{ name: key, text }], options)).toHaveProperty('ok');
      }),
    );
  });
});
