import { spawnSync } from 'node:child_process';
import { findRenderObstacle } from '../../scripts/manifests/render.ts';
import { root } from './pages.ts';

/** Where nobody listens: a command that is well formed fails there, and no earlier. */
const nobody = '--server=http://127.0.0.1:1';

/** Why the commands of kubectl cannot be checked here; null: they can. */
export const kubectlMissing: string | null =
  spawnSync('kubectl', ['version', '--client']).status === 0 ? null : 'kubectl is not on PATH';

/** The same of this command: customizations with components are beyond old ones. */
export function findObstacle(words: readonly string[]): string | null {
  return kubectlMissing ?? (words.includes('-k') ? findRenderObstacle() : null);
}

/** The words behind `waypost` of a call of our plugin; null: it is none, or has words of its own alone. */
export function readPluginCall(words: readonly string[]): readonly string[] | null {
  if (words[0] !== 'waypost') return null;
  let at = 1;
  while (/^(?:-n|--namespace|--node)$/.test(words[at] ?? '')) at += 2;
  return words[at] === 'nodes' ? null : words.slice(at);
}

/**
 * What kubectl says against these arguments; null: it would ask the API server. A customization is rendered, a patch is put
 * on a DaemonSet like kubeadm's.
 */
export function findKubectlError(words: readonly string[]): string | null {
  const customization = words.indexOf('-k');
  if (customization >= 0) {
    const rendered = kubectl(['kustomize', words[customization + 1] ?? '']);
    if (rendered.status !== 0) return rendered.stderr;
  }
  if (words.includes('patch')) {
    const patched = kubectl(toLocalPatch(words), JSON.stringify(kubeProxy));
    return patched.status === 0 && patched.stdout !== kubectlText() ? null : `changes nothing: ${patched.stderr}`;
  }
  const { status, stderr } = kubectl([nobody, '--request-timeout=2s', ...words]);
  return status !== 0 && /127\.0\.0\.1:1\b/.test(stderr) ? null : stderr;
}

/** The same patch, of an object that is read from standard input. */
function toLocalPatch(words: readonly string[]): readonly string[] {
  const at = words.indexOf('daemonset');
  return [...words.slice(0, at), ...words.slice(at + 2), '--local', '--dry-run=client', '-o', 'yaml', '-f', '-'];
}

/** As kubectl prints it unchanged. */
function kubectlText(): string {
  return kubectl(
    ['label', '--local', '--dry-run=client', '-o', 'yaml', '-f', '-', 'k8s-app=kube-proxy'],
    JSON.stringify(kubeProxy),
  ).stdout;
}

function kubectl(
  words: readonly string[],
  input = '',
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync('kubectl', words, { cwd: root, input, encoding: 'utf8', env: { ...process.env, KUBECONFIG: '/dev/null' } });
}

const labels = { 'k8s-app': 'kube-proxy' };

const kubeProxy = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'kube-proxy', namespace: 'kube-system', labels },
  spec: {
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: { hostNetwork: true, containers: [{ name: 'kube-proxy', image: 'registry.k8s.io/kube-proxy:v1.34.0' }] },
    },
  },
};
