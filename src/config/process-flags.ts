import type { ValueKind } from './field.ts';
import { rows } from './fields.ts';

/** A flag of `waypost run`. Flags that set a field are derived from the table of fields. */
export interface FlagSpec {
  readonly name: string;
  readonly kind: ValueKind | 'ignored';
  /** Counts beside `--config`. */
  readonly beatsFile: boolean;
  readonly help: string;
}

/** Flags without a field (specification 9.4), and our own `--manifests`. */
const processFlags: readonly FlagSpec[] = [
  { name: 'config', kind: 'string', beatsFile: true, help: 'KubeProxyConfiguration file; most other flags are then ignored' },
  { name: 'manifests', kind: 'string', beatsFile: true, help: 'folder of manifests to serve instead of an API server' },
  { name: 'master', kind: 'string', beatsFile: true, help: 'URL of the API server; wins over the kubeconfig' },
  { name: 'write-config-to', kind: 'string', beatsFile: true, help: 'write the effective configuration to this file and exit' },
  {
    name: 'init-only',
    kind: 'boolean',
    beatsFile: true,
    help: 'set the kernel parameters that need privileges, write no rule, and exit',
  },
  { name: 'cleanup', kind: 'boolean', beatsFile: true, help: 'remove everything of ours from the kernel and exit' },
  {
    name: 'healthz-port',
    kind: 'integer',
    beatsFile: false,
    help: 'deprecated: port where --healthz-bind-address has none; 0 disables',
  },
  { name: 'metrics-port', kind: 'integer', beatsFile: false, help: 'deprecated: port where --metrics-bind-address has none' },
  { name: 'log-text-split-stream', kind: 'ignored', beatsFile: true, help: 'accepted, no effect' },
  { name: 'log-json-split-stream', kind: 'ignored', beatsFile: true, help: 'accepted, no effect' },
  { name: 'log-text-info-buffer-size', kind: 'ignored', beatsFile: true, help: 'accepted, no effect' },
  { name: 'log-json-info-buffer-size', kind: 'ignored', beatsFile: true, help: 'accepted, no effect' },
  { name: 'boot-id-file', kind: 'ignored', beatsFile: true, help: 'accepted, no effect' },
  { name: 'machine-id-file', kind: 'ignored', beatsFile: true, help: 'accepted, no effect' },
];

/** Every flag of `waypost run`, each once, in the order of the help page. */
export const flagSpecs: readonly FlagSpec[] = [...processFlags, ...fieldFlags()];

/** The split-stream flags are booleans in the reference: they may stand without a value. */
export const bareFlags: ReadonlySet<string> = new Set([
  ...flagSpecs.filter(({ kind }) => kind === 'boolean').map(({ name }) => name),
  'log-text-split-stream',
  'log-json-split-stream',
]);

function fieldFlags(): readonly FlagSpec[] {
  const specs = new Map<string, FlagSpec>();
  for (const { flag, kind, help } of rows) {
    if (flag === null || specs.has(flag.name)) continue;
    specs.set(flag.name, { name: flag.name, kind, beatsFile: flag.beatsFile ?? false, help });
  }
  return [...specs.values()];
}
