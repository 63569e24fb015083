import { isPort, parseAddress, parsePrefix } from '../model/mod.ts';

/** A check for whole numbers in a closed range. */
export function between(low: number, high: number): (value: number) => string | null {
  return (value) => (value >= low && value <= high ? null : `must be from ${low} to ${high}`);
}

/** A check for numbers and durations. */
export function notNegative(value: number): string | null {
  return value >= 0 ? null : 'must not be negative';
}

/** A check for durations. */
export function positive(value: number): string | null {
  return value > 0 ? null : 'must be greater than zero';
}

/** A check for text out of a fixed set; the empty text stands for the default. */
export function oneOf(...names: readonly string[]): (value: string) => string | null {
  return (value) => (value === '' || names.includes(value) ? null : `must be one of ${names.join(', ')}`);
}

/** A check for durations with an upper bound: `most` in milliseconds, `text` as an operator writes it. */
export function atMost(most: number, text: string): (value: number) => string | null {
  return (value) => (value >= 0 && value <= most ? null : `must be from 0s to ${text}`);
}

/** A check for IPv4 and IPv6 addresses. */
export function isAddress(value: string): string | null {
  return parseAddress(value) === null ? 'must be an IP address' : null;
}

/** A check for lists of addresses; null is no list, which is fine. */
export function areAddresses(values: readonly string[] | null): string | null {
  const bad = (values ?? []).filter((value) => parseAddress(value) === null);
  return bad.length === 0 ? null : `must hold only IP addresses (${bad.join(', ')} is none)`;
}

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** A check for domains: labels as RFC 1123 has them, in lower case, with or without the dot at the end. */
export function isDomain(value: string): string | null {
  const name = value.replace(/\.$/, '');
  return name.length <= 200 && name.split('.').every((part) => label.test(part))
    ? null
    : 'must be a domain in lower case, such as cluster.local';
}

/** A check for the name of a namespace, or of what is named alike: lower case, RFC 1123. */
export function isObjectName(value: string): string | null {
  return value.length <= 253 && value.split('.').every((part) => label.test(part))
    ? null
    : 'must be a name in lower case, such as kube-system';
}

/** A check for `loadBalancerClass`: a label key (core/v1). */
export function isClassName(value: string): string | null {
  const [name = '', prefix = 'x', ...rest] = value.split('/').toReversed();
  const sound = rest.length === 0 && isObjectName(prefix) === null && /^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/.test(name);
  return sound ? null : 'must be a name with or without a prefix, such as waypost.dev/ingress';
}

/** A check for lists of network interfaces (`dev_valid_name` of the kernel, `IFNAMSIZ`); null is no list, which is fine. */
export function areInterfaces(values: readonly string[] | null): string | null {
  const bad = (values ?? []).find((value) => !/^[!-.0-9;-~]{1,15}$/.test(value) || value === '.' || value === '..');
  return bad === undefined ? null : `must hold only names of interfaces (${JSON.stringify(bad)} is none)`;
}

/** A check for paths that do not depend on where the process runs. */
export function isAbsolutePath(value: string): string | null {
  return value.startsWith('/') && !value.includes('\0') ? null : 'must be an absolute path';
}

/** A check for durations that others read in whole seconds, from `low` to `high` of them. */
export function wholeSeconds(low: number, high: number): (value: number) => string | null {
  return (value) =>
    value % 1000 === 0 && value >= low * 1000 && value <= high * 1000 ? null : `must be whole seconds from ${low}s to ${high}s`;
}

/** A check for `namespace/name` of a Service, or the word `none`. */
export function isServiceName(value: string): string | null {
  const parts = value.split('/');
  return value === 'none' || (parts.length === 2 && parts.every((part) => label.test(part)))
    ? null
    : 'must be the namespace and name of a Service, such as kube-system/kube-dns, or none';
}

/** A check for `IP:port`, which the default port has already completed. */
export function isListenAddress(value: string): string | null {
  return value === '' || splitListenAddress(value) === null
    ? 'must be an IP address and a port from 1 to 65535, such as 0.0.0.0:10256 or [::1]:10249'
    : null;
}

/** A check for lists; null is no list, which is fine. */
export function areCidrs(values: readonly string[] | null): string | null {
  const bad = (values ?? []).filter((value) => parsePrefix(value) === null);
  return bad.length === 0 ? null : `must hold only CIDRs (${bad.join(', ')} is none)`;
}

/** A check for `nodePortAddresses`: CIDRs, or the word `primary` alone. */
export function areNodePortAddresses(values: readonly string[] | null): string | null {
  if (values === null || (values.length === 1 && values[0] === 'primary')) return null;
  if (values.includes('primary')) return "must not mix 'primary' with other entries";
  const wrong = areCidrs(values);
  return wrong === null ? null : `${wrong}, or the word primary alone`;
}

/** `IP:port` in its parts, the brackets of an IPv6 address removed; null where it is not of that form. */
export function splitListenAddress(text: string): { readonly host: string; readonly port: number } | null {
  const match = /^(?:\[([^\]]*:[^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const host = match[1] ?? match[2] ?? '';
  const port = Number(match[3]);
  return parseAddress(host) !== null && isPort(port) ? { host, port } : null;
}

/** The release of kube-proxy whose configuration, flags and gates are followed: Kubernetes 1.36. */
const reference = { major: 1, minor: 36 } as const;

/** A check for `showHiddenMetricsForVersion`: nothing, or the minor version before the reference's. */
export function isPreviousMinor(value: string): string | null {
  const previous = `${reference.major}.${reference.minor - 1}`;
  return value === '' || value === previous ? null : `must be empty or the previous minor version, ${previous}`;
}

/** sun_path of unix(7) has room for 108 octets, the last of which is 0. */
const longestSocketPath = 107;

export function isSocketPath(text: string): string | null {
  if (text === '') return null;
  if (!text.startsWith('/')) return 'must be an absolute path, or empty';
  return Buffer.byteLength(text) <= longestSocketPath ? null : `must not be longer than ${longestSocketPath} octets`;
}
