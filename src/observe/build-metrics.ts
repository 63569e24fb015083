import type { Registry } from './metrics.ts';

/** Stages of the gates that a service proxy knows; a gate without one is past being a choice (general availability). */
const stages: ReadonlyMap<string, string> = new Map([
  ['AllowServiceExternalIPs', 'DEPRECATED'],
  ['ComponentFlagz', 'BETA'],
  ['ComponentStatusz', 'BETA'],
  ['LoggingAlphaOptions', 'ALPHA'],
  ['LoggingBetaOptions', 'BETA'],
  ['NativeHistograms', 'ALPHA'],
]);

/** The kube-proxy whose behaviour this agent has. */
const reference = { major: '1', minor: '36' } as const;

/**
 * Adds `kubernetes_build_info` and `kubernetes_feature_enabled`. The former names the kube-proxy release that is
 * followed, for what monitoring reads from it is version skew within a cluster; our own version is its build suffix.
 */
export function addBuildMetrics(registry: Registry, version: string, gates: Readonly<Record<string, boolean>>): void {
  const { major, minor } = reference;
  const info = registry.gauge({
    name: 'kubernetes_build_info',
    help: 'The release of Kubernetes whose behaviour this agent has, with its own version as suffix.',
    labels: ['git_version', 'major', 'minor', 'platform'],
  });
  info.set([`v${major}.${minor}.0+waypost.${version}`, major, minor, `${process.platform}/${process.arch}`], 1);
  const enabled = registry.gauge({
    name: 'kubernetes_feature_enabled',
    help: 'Whether a feature gate is on.',
    labels: ['name', 'stage'],
  });
  for (const [name, on] of Object.entries(gates)) enabled.set([name, stages.get(name) ?? ''], on ? 1 : 0);
}
