import { canonicalLines, canonicalServers, canonicalTable } from './canonical.ts';
import type { Family } from '../../src/model/mod.ts';
import type { Lab, Place, SocketProtocol, Target } from '../lab/mod.ts';
import type { Destination } from '../packets/flow.ts';

/** What tests of IPVS mode ask for again and again. */

export function target(to: Destination, port: number, family: Family = 'IPv4', protocol: SocketProtocol = 'TCP'): Target {
  const destination = to.addresses[family];
  if (destination === undefined) throw new RangeError(`${to.name} has no ${family} address`);
  return { family, protocol, destination, port, timeoutMs: 4000 };
}

/** What one try comes to; silence shows after little more than a second. */
export async function verdictOf(place: Place, to: Target): Promise<string> {
  const [attempt] = await place.connect({ ...to, timeoutMs: 1500 });
  return attempt?.verdict ?? 'nothing';
}

/**
 * The tries, in words, that do not come to the verdict: from each place to each target, all at the same time, so that
 * silence is waited for once.
 */
export async function triesUnlike(
  verdict: string,
  places: readonly Place[],
  targets: readonly Target[],
): Promise<readonly string[]> {
  const tries = places.flatMap((place) => targets.map((to) => ({ place, to })));
  const ends = await Promise.all(tries.map(({ place, to }) => verdictOf(place, to)));
  return tries.flatMap(({ place, to }, at) =>
    ends[at] === verdict ? [] : [`${place.name} to ${to.destination} port ${to.port} ${to.protocol}: ${ends[at]}`],
  );
}

/** Runs a command that has to succeed. */
export async function mustRun(place: Place, command: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await place.exec(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} in ${place.name}: ${stderr || stdout}`);
  return stdout;
}

/** Every virtual server of node1, as `ipvsadm` itself prints them. */
export function readServers(lab: Lab): Promise<string> {
  return mustRun(lab.node1, 'ipvsadm', '--save', '-n');
}

/** The destinations of a virtual server, named as `ipvsadm` does: `-t 10.96.0.1:80`. */
export async function destinationsOf(lab: Lab, server: string): Promise<readonly string[]> {
  const lines = (await readServers(lab)).split('\n').filter((line) => line.startsWith(`-a ${server} `));
  return lines.map((line) => line.replace(`-a ${server} -r `, '').split(' ')[0] ?? '');
}

/**
 * Everything of a node that IPVS mode makes, as `ipvsadm`, `nft` and `ip` print it, in one form for all that the kernel
 * treats alike.
 */
export async function readKernel({ node1 }: Lab): Promise<string> {
  const servers = await mustRun(node1, 'ipvsadm', '-Ln');
  const tables = await Promise.all(['ip', 'ip6'].map((family) => mustRun(node1, 'nft', 'list', 'table', family, 'waypost')));
  const show = 'for f in -4 -6; do ip $f rule; ip $f route show table 22359; ip $f route show table local proto 87; done';
  const routes = await mustRun(node1, 'sh', '-c', show);
  return [canonicalServers(servers), ...tables.map(canonicalTable), canonicalLines(routes)].join('\n');
}
