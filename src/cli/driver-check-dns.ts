import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import type { DnsChoices } from '../config/mod.ts';
import { loadSettings, parseName } from '../dns/mod.ts';
import { holdLibc } from '../netlink/mod.ts';
import { parseBoundSockets } from './check-dns.ts';
import type { BoundSocket, DnsFacts } from './check-dns.ts';

const socketLists = [
  ['udp', 'UDP'],
  ['udp6', 'UDP'],
  ['tcp', 'TCP'],
  ['tcp6', 'TCP'],
] as const;

/** Looks at what the resolver would meet. Changes nothing. */
export async function gatherDnsFacts({ config, clusterDomain, addresses, resolvConf }: DnsChoices): Promise<DnsFacts> {
  const libc = await holdLibc();
  const reading = loadSettings({
    path: config,
    clusterDomain: parseName(`${clusterDomain}.`) ?? '\0',
    upstreamFile: resolvConf,
    own: addresses,
    env: process.env,
  });
  return {
    sockets: (await Promise.all(socketLists.map(([name, protocol]) => readSockets(name, protocol)))).flat(),
    ffi: libc.ok ? null : libc.problem.message,
    warnings: reading.warnings,
    problems: reading.ok ? [] : reading.problems,
  };
}

/** A kernel without IPv6 has no list of its sockets. */
export async function readSockets(name: string, protocol: BoundSocket['protocol']): Promise<readonly BoundSocket[]> {
  const text = await readFile(`/proc/net/${name}`, 'utf8').catch(() => '');
  return parseBoundSockets(text, protocol, endianness() === 'LE');
}
