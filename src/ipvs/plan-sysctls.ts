import type { Family } from '../model/mod.ts';

/** A kernel parameter that IPVS mode needs at a value. */
export interface SysctlWish {
  readonly name: string;
  readonly value: string;
  /** Without it the data plane does not work at all. */
  readonly needed: boolean;
  /** Forwarding is left on at the end: by then the node's pods rely on it. */
  readonly restore: boolean;
}

export interface SysctlFacts {
  readonly family: Family;
  /** As `uname -r` says. */
  readonly kernelRelease: string;
  readonly strictArp: boolean;
  /** Node ports are served on 127.0.0.0/8. */
  readonly loopback: boolean;
  /** Connections to some Service may come from another node in the middle. */
  readonly roaming: boolean;
}

/** What is to be set before the first virtual server (specification 8). `net.ipv4.vs.*` is for both families. */
export function planSysctls({ family, kernelRelease, strictArp, loopback, roaming }: SysctlFacts): readonly SysctlWish[] {
  const set = (name: string, value: string, more: Partial<SysctlWish> = {}): SysctlWish => {
    return { name, value, needed: false, restore: true, ...more };
  };
  const forwarding = family === 'IPv4' ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding';
  return [
    set(forwarding, '1', { needed: true, restore: false }),
    set('net.ipv4.vs.conntrack', '1', { needed: true }),
    set('net.ipv4.vs.conn_reuse_mode', reuseDelays(kernelRelease) ? '0' : '1'),
    set('net.ipv4.vs.expire_nodest_conn', '1'),
    set('net.ipv4.vs.expire_quiescent_template', '1'),
    // A node that hears of a connection in its middle takes it over (specification of ingress, 8).
    ...(roaming ? [set('net.ipv4.vs.sloppy_tcp', '1')] : []),
    ...(strictArp && family === 'IPv4'
      ? [set('net.ipv4.conf.all.arp_ignore', '1'), set('net.ipv4.conf.all.arp_announce', '2')]
      : []),
    ...(loopback && family === 'IPv4' ? [set('net.ipv4.conf.all.route_localnet', '1')] : []),
  ];
}

/** Before 5.9 reuse mode 1 with connection tracking costs a client that reuses a port one second. */
function reuseDelays(kernelRelease: string): boolean {
  const [major = 0, minor = 0] = kernelRelease.split('.').map((part) => Number.parseInt(part, 10));
  return major < 5 || (major === 5 && minor < 9);
}
