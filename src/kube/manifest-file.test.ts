import { describe, expect, it } from 'vitest';
import { isManifestName, readManifest } from './manifest-file.ts';
import type { ManifestObjects, ManifestReading } from './manifest-file.ts';

const reader = { nodeName: 'n1', dns: null, ingress: null };

function read(text: string, options: { file?: string; last?: ManifestObjects } = {}): ManifestReading {
  const steps = readManifest(options.file ?? 'a.yaml', text, reader, options.last);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

function messagesOf(reading: ManifestReading): readonly string[] {
  return reading.problems.map((problem) => problem.message);
}

const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  clusterIP: 10.96.0.1\n  ports: [{port: 80}]\n';
const slice = `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web-1
  namespace: shop
  labels: {kubernetes.io/service-name: web}
addressType: IPv4
ports: [{name: "", port: 8080}]
endpoints: [{addresses: [10.1.0.1]}]
`;
const node = 'apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n';

describe('readManifest', () => {
  it('reads Services, slices and the own Node, in namespace default where none is given', () => {
    const reading = read(`${service}---\n${slice}---\n${node}---\n${node.replace('n1', 'n2')}`);
    expect(messagesOf(reading)).toEqual([]);
    const keys = [...(reading.objects ?? [])].map(([id, object]) => [id, object.record !== null]);
    expect(keys).toEqual([
      ['Service default/web', true],
      ['EndpointSlice shop/web-1', true],
      ['Node n1', true],
      ['Node n2', false],
    ]);
    expect(reading.objects?.get('Service default/web')?.record).toMatchObject({ key: 'default/web', namespace: 'default' });
  });

  it('puts objects with an empty namespace into default', () => {
    const reading = read(service.replace('{name: web}', '{name: web, namespace: ""}'));
    expect([...(reading.objects?.keys() ?? [])]).toEqual(['Service default/web']);
  });

  it('unfolds lists, typed ones too', () => {
    const item = { metadata: { name: 'web', namespace: 'd' }, spec: { clusterIP: '10.96.0.1' } };
    const typed = {
      apiVersion: 'v1',
      kind: 'ServiceList',
      items: [item, { ...item, metadata: { name: 'api', namespace: 'd' } }],
    };
    const plain = { apiVersion: 'v1', kind: 'List', items: [{ apiVersion: 'v1', kind: 'Service', ...item }] };
    expect([...(read(JSON.stringify(typed), { file: 'a.json' }).objects?.keys() ?? [])]).toEqual([
      'Service d/web',
      'Service d/api',
    ]);
    expect([...(read(JSON.stringify(plain)).objects?.keys() ?? [])]).toEqual(['Service d/web']);
    for (const items of [[], null, undefined]) {
      expect(read(JSON.stringify({ kind: 'List', items }))).toEqual({ objects: new Map(), problems: [] });
    }
    expect(messagesOf(read(JSON.stringify({ kind: 'List', items: 'x' })))).toEqual([
      'a.yaml: document 1, line 1: kind "List" is not read, such objects are ignored',
    ]);
  });

  it('mentions other kinds and other versions once for each file', () => {
    const foreign = 'kind: Deployment\n---\nkind: Deployment\n---\nkind: Pod\n---\n';
    const versions =
      'kind: Service\napiVersion: serving.knative.dev/v1\n---\nkind: EndpointSlice\napiVersion: discovery.k8s.io/v1beta1\n';
    const reading = read(`${foreign}just text\n---\n[1]\n---\n${versions}`);
    expect(messagesOf(reading)).toEqual([
      'a.yaml: document 1, line 1: kind "Deployment" is not read, such objects are ignored',
      'a.yaml: document 3, line 5: kind "Pod" is not read, such objects are ignored',
      'a.yaml: document 4, line 7: what has no kind is not read',
      'a.yaml: document 6, line 11: kind Service has apiVersion "serving.knative.dev/v1", only v1 is read, such objects are ignored',
      'a.yaml: document 7, line 14: kind EndpointSlice has apiVersion "discovery.k8s.io/v1beta1", ' +
        'only discovery.k8s.io/v1 is read, such objects are ignored',
    ]);
    expect(new Set(reading.problems.map((problem) => problem.code))).toEqual(new Set(['WP_KUBE_MANIFEST_KIND']));
    expect(reading.objects?.size).toBe(0);
  });

  it('gives the place of a malformed field', () => {
    const reading = read(`${node}---\n${service.replace('port: 80', 'port: 0')}`);
    expect(messagesOf(reading)).toEqual([
      'a.yaml: document 2, line 5: Service default/web: spec.ports[0].port is 0: ' +
        'a number from 1 to 65535 is needed, the port is left out',
    ]);
    expect(reading.objects?.size).toBe(2);
  });

  it('trusts no part of a file of which one document does not parse', () => {
    const reading = read(`${service}---\nkind: {\n`);
    expect(reading.objects).toBeNull();
    expect(reading.problems[0]).toMatchObject({ code: 'WP_KUBE_MANIFEST_SYNTAX' });
    expect(messagesOf(reading)[0]).toMatch(/^a\.yaml: document 2, line [89]: /);
  });

  it('takes the first of two same objects in one file', () => {
    const reading = read(`${service}---\n${service.replace('10.96.0.1', '10.96.0.2')}`);
    expect(reading.objects?.get('Service default/web')?.record).toMatchObject({ clusterIps: { IPv4: '10.96.0.1' } });
    expect(messagesOf(reading)).toEqual([
      'a.yaml: document 2, line 8: Service default/web is in this file already, this one is ignored',
    ]);
  });

  it('keeps the last good state of an object that has become unusable', () => {
    const last = read(`${slice}---\n${service}`).objects ?? new Map();
    const reading = read(`${slice.replace('addressType: IPv4', 'addressType: FQDN')}---\n${service}`, { last });
    expect(reading.objects?.get('EndpointSlice shop/web-1')).toBe(last.get('EndpointSlice shop/web-1'));
    expect(messagesOf(reading)[0]).toContain('addressType is "FQDN"');
    expect(read(slice.replace('IPv4', 'FQDN')).objects?.size).toBe(0);
  });

  it('[SP-2] [SP-5] holds objects that the API server would not select without a record', () => {
    const excluded = [
      service.replace('{name: web}', '{name: web, labels: {service.kubernetes.io/service-proxy-name: ""}}'),
      service.replace('10.96.0.1', 'None'),
      slice.replace('labels: {', 'labels: {service.kubernetes.io/headless: "", '),
    ];
    for (const text of excluded) {
      const reading = read(text);
      expect(messagesOf(reading)).toEqual([]);
      expect([...(reading.objects?.values() ?? [])].map((object) => object.record)).toEqual([null]);
    }
  });

  it('bounds the number of problems', () => {
    const reading = read(Array.from({ length: 80 }, (_, index) => `kind: Kind${index}\n`).join('---\n'));
    expect(reading.problems).toHaveLength(51);
    expect(messagesOf(reading).at(-1)).toBe('a.yaml: 30 more problems');
  });

  it('pauses on the way through a big file', () => {
    const steps = readManifest('a.yaml', Array.from({ length: 350 }, () => 'kind: Pod\n').join('---\n'), reader, undefined);
    let pauses = 0;
    while (steps.next().done !== true) pauses += 1;
    expect(pauses).toBe(7);
  });
});

describe('isManifestName', () => {
  it('takes the three endings and no hidden or temporary file', () => {
    for (const name of ['a.yaml', 'a.yml', 'a.json', '10-web.shop.yaml']) expect(isManifestName(name)).toBe(true);
    const others = [
      '.a.yaml',
      '.a.yaml.swp',
      'a.yaml~',
      '#a.yaml#',
      '.#a.yaml',
      '4913',
      '..data',
      'a.yaml.tmp',
      'a.txt',
      'yaml',
      'README',
    ];
    for (const name of others) expect(isManifestName(name)).toBe(false);
  });
});
