import { existsSync } from 'node:fs';
import { families } from '../../src/model/mod.ts';
import type { Family } from '../../src/model/mod.ts';
import { kernelModule } from '../vm/host-kernel.ts';
import { removeNamespaces, runIn } from './driver-netns.ts';

/** Whether something can be tested here, and if not why, in words for the person who reads the test's output. */
export type Capability = { readonly ok: true } | { readonly ok: false; readonly reason: string };

let namespaces: Promise<Capability> | null = null;

/** Whether this process can make network namespaces and set their kernel settings. Asks the kernel once. */
export function canMakeNamespaces(): Promise<Capability> {
  namespaces ??= probeNamespaces();
  return namespaces;
}

async function probeNamespaces(): Promise<Capability> {
  if (process.getuid?.() !== 0) return { ok: false, reason: 'network namespaces need root' };
  const name = `wp${process.pid}-0-probe`;
  try {
    const made = await runIn(null, 'ip', ['netns', 'add', name]);
    if (made.code !== 0) return { ok: false, reason: `ip netns add failed: ${made.stderr.trim()}` };
    const set = await runIn(name, 'sh', ['-ec', 'echo 1 >/proc/sys/net/ipv4/ip_forward']);
    if (set.code !== 0)
      return { ok: false, reason: `kernel settings of a new namespace cannot be written: ${set.stderr.trim()}` };
    return { ok: true };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { ok: false, reason: missing ? 'the command ip (package iproute2) is missing' : String(error) };
  } finally {
    await removeNamespaces([name]).catch(() => {});
  }
}

/** The families this kernel has. */
export function kernelFamilies(): readonly Family[] {
  return families.filter((family) => family === 'IPv4' || existsSync('/proc/net/if_inet6'));
}

/**
 * Whether the kernel has SCTP sockets. Node has none either way, so no SCTP packet is sent by the
 * lab: SCTP rows of the packet table are proved by the packet tracer only.
 */
export function kernelHasSctp(): Capability {
  if (existsSync('/proc/net/sctp')) return { ok: true };
  return { ok: false, reason: 'this kernel has no SCTP sockets, or their module is not loaded' };
}

/** Whether virtual servers can be made here: the kernel has IPVS, or its module, which the first that asks loads. */
export async function kernelHasIpvs(): Promise<Capability> {
  if (await kernelModule('ip_vs')) return canMakeNamespaces();
  return { ok: false, reason: 'this kernel has no ip_vs' };
}
