import { formatPrefix, parsePrefix } from '../model/mod.ts';
import type { MemberLease, Prefix } from '../model/mod.ts';
import { beginFindings, fieldOf, finishDecoded, noteMalformed, refuseObject } from './decode-fields.ts';
import type { Decoded } from './decode-fields.ts';
import { formatMicroTime, parseMicroTime } from './micro-time.ts';

/** Label of the Leases by which nodes share out announced addresses. */
export const memberLabel = { name: 'waypost.dev/lease', value: 'announce' } as const;

const networksAnnotation = 'waypost.dev/announce-networks';
const namePrefix = 'waypost-announce-';
/** DNS-1123 subdomain. */
const longestName = 253;
/** A Lease says how long it is to be waited for: nobody may have others wait for ever. */
const longestSeconds = 3600;
/** A node with more networks tells of these only. */
const mostNetworks = 64;

/** The name of a node's Lease; null where the node's own name is too long for it. */
export function nameMemberLease(node: string): string | null {
  const name = `${namePrefix}${node}`;
  return name.length > longestName ? null : name;
}

/** The node of a Lease of that name; null for another's. */
export function nodeOfLease(name: unknown): string | null {
  return typeof name === 'string' && name.startsWith(namePrefix) && name.length > namePrefix.length
    ? name.slice(namePrefix.length)
    : null;
}

export function decodeMemberLease(raw: unknown): Decoded<MemberLease> {
  const metadata = fieldOf(raw, 'metadata');
  const name = fieldOf(metadata, 'name');
  const node = nodeOfLease(name);
  if (node === null) return refuseObject(`Lease ${String(name)}`, `its name does not begin with ${namePrefix}`);
  const findings = beginFindings(`Lease ${namePrefix}${node}`);
  const spec = fieldOf(raw, 'spec');
  const holder = fieldOf(spec, 'holderIdentity');
  const seconds = fieldOf(spec, 'leaseDurationSeconds');
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 1 || seconds > longestSeconds) {
    return refuseObject(findings.subject, `spec.leaseDurationSeconds is not a number from 1 to ${longestSeconds}`);
  }
  const networks: Prefix[] = [];
  const told = fieldOf(fieldOf(metadata, 'annotations'), networksAnnotation);
  for (const text of typeof told === 'string' && told !== '' ? told.split(',').slice(0, mostNetworks) : []) {
    const prefix = parsePrefix(text);
    if (prefix === null) noteMalformed(findings, `annotation ${networksAnnotation}`, text, 'this network is left out');
    else networks.push(prefix);
  }
  return finishDecoded(findings, {
    node,
    holder: typeof holder === 'string' ? holder : '',
    renewedAt: parseMicroTime(fieldOf(spec, 'renewTime')),
    durationMs: seconds * 1000,
    networks,
  });
}

/** What of a Lease is the holder's to say, as a merge patch. */
export function renderMemberLease({ holder, renewedAt, durationMs, networks }: MemberLease): {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: object;
} {
  return {
    metadata: {
      labels: { [memberLabel.name]: memberLabel.value },
      annotations: { [networksAnnotation]: networks.slice(0, mostNetworks).map(formatPrefix).join(',') },
    },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: Math.ceil(durationMs / 1000),
      renewTime: formatMicroTime(renewedAt),
    },
  };
}
