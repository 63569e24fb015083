import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { imagePackages } from '../../scripts/image/contents.ts';
import { findRenderObstacle, listOverlays, renderOverlay, renderedFile } from '../../scripts/manifests/render.ts';
import { loadConfig } from '../../src/config/mod.ts';
import { createTemporaryFolder } from '../lab/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { checkFields } from './check-fields.ts';
import { readContainer, readDaemonSet, readRendered } from './read-rendered.ts';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const overlays = listOverlays();
const obstacle = findRenderObstacle();

describeWhere(obstacle === null ? { ok: true } : { ok: false, reason: obstacle }, 'kubectl kustomize', () => {
  test.each(overlays)('makes deploy/rendered/%s.yaml; node scripts/manifests.ts writes it anew', (name) => {
    expect(renderOverlay(name)).toBe(readFileSync(renderedFile(name), 'utf8'));
  });
});

describe.each(overlays)('the overlay %s', (name) => {
  const objects = readRendered(name);
  const pod = readDaemonSet(name).spec?.template.spec;
  const agent = readContainer(name, 'waypost');

  test('has only fields that the API server knows, with values of their kind', () => {
    expect(objects.length).toBeGreaterThan(3);
    expect(objects.flatMap((object) => checkFields(object, `V1${String(object.kind)}`, String(object.kind)))).toEqual([]);
  });

  test('mounts only volumes that it has, and selects the pods that it makes', () => {
    const volumes = (pod?.volumes ?? []).map((volume) => volume.name);
    const containers = [agent, readContainer(name, 'init')];
    expect(new Set(containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map((mount) => mount.name)))).toEqual(
      new Set(volumes),
    );
    const { selector, template } = readDaemonSet(name).spec ?? {};
    expect(template?.metadata?.labels).toMatchObject(selector?.matchLabels ?? { none: 'no selector' });
  });

  test('gives the agent no more than it needs, and the rest to the container before it', () => {
    const { securityContext } = agent;
    const dns = name.includes('dns') ? ['NET_BIND_SERVICE'] : [];
    expect(securityContext).toEqual({
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsUser: 0,
      capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW', ...dns] },
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(readContainer(name, 'init').securityContext).toEqual({ privileged: true, readOnlyRootFilesystem: true });
    expect(readContainer(name, 'init').args?.slice(0, 2)).toEqual(['run', '--init-only']);
  });

  test('is there before and after everything else on a node, and is asked for its health', () => {
    expect(pod).toMatchObject({
      hostNetwork: true,
      dnsPolicy: 'Default',
      priorityClassName: 'system-node-critical',
      tolerations: [{ operator: 'Exists' }],
      serviceAccountName: 'waypost',
    });
    const ports = new Map((agent.ports ?? []).map((port) => [port.name, port.containerPort]));
    const asked = [agent.livenessProbe, agent.readinessProbe].map((probe) => [
      probe?.httpGet?.path,
      ports.get(String(probe?.httpGet?.port)),
    ]);
    const readiness = name.includes('dns') ? ['/ready', 8181] : ['/healthz', 10256];
    expect(asked).toEqual([['/livez', 10256], readiness]);
  });

  test('starts the agent with arguments and a configuration that it takes', async () => {
    await using folder = await createTemporaryFolder('waypost-manifest-');
    const file = join(folder.path, 'config.conf');
    const own = objects.find(({ kind }) => kind === 'ConfigMap') as { readonly data?: Record<string, string> } | undefined;
    await writeFile(
      file,
      own?.data?.['config.conf'] ?? 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n',
    );
    const flags = (agent.args ?? []).slice(1).map((arg) => arg.replace(/^--/, '').split('='));
    const texts = new Map(flags.map(([flag = '', value = 'true']) => [flag, [flag === 'config' ? file : value]]));
    texts.delete('dns-config');
    const loaded = await loadConfig(texts);
    expect(loaded).toMatchObject({ ok: true, warnings: [] });
    // What kube-proxy's ConfigMap leaves out is iptables mode.
    const mode = /^(?:iptables|ipvs|nftables)/.exec(name)?.[0] ?? 'iptables';
    expect(loaded).toMatchObject({ config: { mode } });
  });
});

describe('a wrong field', () => {
  test('is told with its place', () => {
    const wrong = { kind: 'DaemonSet', spec: { template: { spec: { containers: [{ name: 7, imagee: 'x' }] } } } };
    expect(checkFields(wrong, 'V1DaemonSet', 'DaemonSet')).toEqual([
      'DaemonSet.spec.template.spec.containers[0].name is number and not string',
      'DaemonSet.spec.template.spec.containers[0] has no field imagee',
    ]);
  });
});

test('the Dockerfile installs the packages of the image', () => {
  const text = readFileSync('deploy/image/Dockerfile', 'utf8');
  const listed = [...text.matchAll(/^ {6}([\w.+-]+) \\$/gm)].map(([, name]) => name);
  expect(listed).toEqual([...imagePackages]);
});
