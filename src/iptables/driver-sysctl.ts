import { readFileSync, writeFileSync } from 'node:fs';
import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';

/** Reads a kernel parameter; null where the kernel or a missing module does not have it. */
function readSysctl(name: string): string | null {
  try {
    return readFileSync(pathOf(name), 'utf8').trim();
  } catch {
    return null;
  }
}

/** Writes only if the value differs, so that a read-only /proc is fine where it is right already. */
function ensureSysctl(name: string, value: string): Outcome<void> {
  if (readSysctl(name) === value) return succeed(undefined);
  try {
    writeFileSync(pathOf(name), value);
    return succeed(undefined);
  } catch (cause) {
    return fail('WP_IPTABLES_SYSCTL', `cannot set ${name} to ${value}: ${(cause as Error).message}`, cause);
  }
}

/** A node port on 127.0.0.1 leaves the loopback interface after translation, which the kernel forbids by default. */
export function allowLoopbackRouting(): Outcome<void> {
  return ensureSysctl('net.ipv4.conf.all.route_localnet', '1');
}

/** With liberal TCP tracking nothing valid is called INVALID, and dropping it would do harm (specification 6.2). */
export function shouldDropInvalid(): boolean {
  const liberal = readSysctl('net.netfilter.nf_conntrack_tcp_be_liberal');
  return liberal === null || liberal === '0';
}

/** `net.ipv4.ip_forward` is `/proc/sys/net/ipv4/ip_forward`. */
function pathOf(name: string): string {
  return `/proc/sys/${name.replaceAll('.', '/')}`;
}
