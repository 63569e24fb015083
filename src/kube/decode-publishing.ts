import { parseSelector } from '../model/mod.ts';
import type { HashFlag, LabelRequirement, ServicePortRecord, ServicePublishing } from '../model/mod.ts';
import {
  hasAnyAnnotation,
  noteValue,
  openAnnotations,
  parsedOf,
  textOf,
  valueOf,
  wholeOf,
  wordOf,
} from './decode-annotations.ts';
import type { Annotations } from './decode-annotations.ts';
import type { Findings } from './decode-fields.ts';
import { healthCheckNames, readHealthCheck } from './decode-health-check.ts';
import { readPortRanges } from './decode-port-ranges.ts';

const maxSelectorLength = 4096;
const maxRequirements = 64;
/** What the kernel keeps of a destination's threshold is 32 bits (`struct ip_vs_dest_user`). */
const maxConnections = 0xffff_ffff;

const publishingNames: ReadonlySet<string> = new Set([
  'ingress',
  'ingress-mode',
  'affinity-scope',
  'affinity-timeout',
  'affinity-mask-v4',
  'affinity-mask-v6',
  'scheduler-flags',
  'port-ranges',
  'port-remap',
  'dsr-method',
  'vip-capture',
  'preserve-client-ip',
  'connection-limit',
  'one-packet',
  'source-ranges-apply-to-nodeports',
  'no-endpoints-action',
  'ingress-nodes',
  'announce',
  ...healthCheckNames,
]);

/**
 * What a Service's annotations ask of ingress (specification of ingress, 15); null where there is none of them. What cannot
 * be used is noted and has its default. `ports` are those of the Service.
 */
export function readPublishing(
  findings: Findings,
  values: unknown,
  ports: readonly ServicePortRecord[],
): ServicePublishing | null {
  const annotations = openAnnotations(findings, values);
  if (!hasAnyAnnotation(annotations, publishingNames)) return null;
  return {
    method: wordOf(annotations, 'ingress', ['fwmark', 'address', 'none'], null),
    mode: wordOf(annotations, 'ingress-mode', ['mesh', 'local', 'dsr'], null),
    affinityScope: wordOf(annotations, 'affinity-scope', ['port', 'service'], 'port'),
    affinityTimeoutSeconds: wholeOf(annotations, 'affinity-timeout', 1, 86_400, null),
    affinityPrefix: {
      IPv4: wholeOf(annotations, 'affinity-mask-v4', 8, 32, 32),
      IPv6: wholeOf(annotations, 'affinity-mask-v6', 1, 128, 128),
    },
    schedulerFlags: readSchedulerFlags(annotations),
    portRanges: readPortRanges(annotations, ports),
    portRemap: readPortRemap(annotations),
    dsrMethod: wordOf(annotations, 'dsr-method', ['ipip', 'gue', 'dr'], null),
    capture: wordOf(annotations, 'vip-capture', ['local', 'policy'], null),
    preserveClientIp: wordOf(annotations, 'preserve-client-ip', ['auto', 'never'], 'never') === 'auto',
    connectionLimit: wholeOf(annotations, 'connection-limit', 0, maxConnections, 0),
    onePacket: readSwitch(annotations, 'one-packet'),
    sourceRangesOnNodePorts: readSwitch(annotations, 'source-ranges-apply-to-nodeports'),
    noEndpointsAction: wordOf(annotations, 'no-endpoints-action', ['drop', 'reject'], null),
    nodeSelector: readNodeSelector(annotations),
    announce: wordOf(annotations, 'announce', ['none', 'garp'], 'none') === 'garp',
    healthCheck: readHealthCheck(annotations),
  };
}

function readSwitch(annotations: Annotations, name: string): boolean {
  return wordOf(annotations, name, ['true', 'false'], 'false') === 'true';
}

/** `fallback`, `port` or both with a comma between, in that order; null where none of them is there. */
function readSchedulerFlags(annotations: Annotations): readonly HashFlag[] | null {
  const known: readonly HashFlag[] = ['fallback', 'port'];
  const parse = (text: string): readonly HashFlag[] | null => {
    const words = text.split(',').map((word) => word.trim());
    const flags = known.filter((flag) => words.includes(flag));
    return words.every((word) => (known as readonly string[]).includes(word)) ? flags : null;
  };
  return parsedOf(annotations, 'scheduler-flags', parse, null, 'fallback, port or fallback,port is needed, it is ignored');
}

/** What the specification calls `conntrack` shows the balancer the first packet of a connection alone (6). */
function readPortRemap(annotations: Annotations): ServicePublishing['portRemap'] {
  if (valueOf(annotations, 'port-remap') !== 'conntrack') {
    return wordOf(annotations, 'port-remap', ['stateless', 'none'], 'stateless', 'stateless is taken');
  }
  noteValue(annotations, 'port-remap', 'conntrack', 'it is not supported, stateless is taken');
  return 'stateless';
}

function readNodeSelector(annotations: Annotations): readonly LabelRequirement[] | null {
  const needed = 'a label selector like zone=a,tier in (edge, front),!old is needed, every node accepts';
  const text = textOf(annotations, 'ingress-nodes', maxSelectorLength, needed);
  if (text === null) return null;
  const selector = parseSelector(text);
  if (selector !== null && selector.length > 0 && selector.length <= maxRequirements) return selector;
  noteValue(annotations, 'ingress-nodes', text, needed);
  return null;
}
