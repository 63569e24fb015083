import { addressBits } from '../model/mod.ts';
import type { Family, ServicePublishing, ServiceRecord } from '../model/mod.ts';

/** How long a client keeps its back end, in seconds; null: it has none. */
export function affinityTimeout({ affinity }: ServiceRecord, { affinityTimeoutSeconds }: ServicePublishing): number | null {
  return affinityTimeoutSeconds ?? affinity?.timeoutSeconds ?? null;
}

/** Annotations of a Service that ask for what marks alone can do, as `name: value` or `name`. */
export function listMarkWishes(service: ServiceRecord, publishing: ServicePublishing, family: Family): readonly string[] {
  const { affinityTimeoutSeconds } = publishing;
  const sharesAffinity = publishing.affinityScope === 'service' && affinityTimeout(service, publishing) !== null;
  const wishes: readonly (readonly [boolean, string])[] = [
    [publishing.mode === 'dsr', 'ingress-mode: dsr'],
    [publishing.portRanges.length > 0, 'port-ranges'],
    [sharesAffinity && service.ports.length > 1, 'affinity-scope: service'],
    [affinityTimeoutSeconds !== null && affinityTimeoutSeconds !== service.affinity?.timeoutSeconds, 'affinity-timeout'],
    [publishing.affinityPrefix[family] < addressBits(family), family === 'IPv4' ? 'affinity-mask-v4' : 'affinity-mask-v6'],
    [publishing.schedulerFlags !== null, 'scheduler-flags'],
    [publishing.connectionLimit > 0, 'connection-limit'],
    [publishing.onePacket, 'one-packet'],
  ];
  return wishes.filter(([asked]) => asked).map(([, name]) => `waypost.dev/${name}`);
}
