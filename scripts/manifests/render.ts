import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const folder = 'deploy/kustomize';

/** The overlays by name; `base` is kube-proxy's own ConfigMap in the mode that it says. */
export function listOverlays(): readonly string[] {
  return ['base', ...readdirSync(`${folder}/overlays`).toSorted()];
}

/** Where an overlay is kept as one file. */
export function renderedFile(name: string): string {
  return `deploy/rendered/${name}.yaml`;
}

/** What `kubectl kustomize` makes of an overlay. Throws with its own words. */
export function renderOverlay(name: string): string {
  const path = name === 'base' ? `${folder}/base` : `${folder}/overlays/${name}`;
  return execFileSync('kubectl', ['kustomize', path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/**
 * Why kubectl cannot render these overlays, or null where it can. Components came with kustomize 3.7 and are in kubectl from
 * 1.21 on; Debian 12 has 1.20 with kustomize 2.0.3.
 */
export function findRenderObstacle(): string | null {
  try {
    const text = execFileSync('kubectl', ['version', '--client', '-o', 'json'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const { clientVersion } = JSON.parse(text) as { readonly clientVersion: { readonly major: string; readonly minor: string } };
    const minor = Number.parseInt(clientVersion.minor, 10);
    if (Number(clientVersion.major) > 1 || minor >= 21) return null;
    return `kubectl ${clientVersion.major}.${minor} has a kustomize without components; 1.21 or later is needed`;
  } catch {
    return 'kubectl is not installed';
  }
}
