import type { Family } from '../../src/model/mod.ts';
import type { Place } from '../lab/mod.ts';
import { mustRun } from './tools.ts';

/** What crosses a node's interface towards the underlay, counted by a table of the test's own. */
export interface Crossings {
  /** Packets to the address that came in. */
  readonly requests: number;
  /** Packets from the address that went out. */
  readonly replies: number;
  /** Packets to the address that went out again, as they came. */
  readonly sentOn: number;
  /** Tunnels that came in, and that went out: IP in IP, IPv6 in IPv6 or UDP to the port of GUE. */
  readonly tunnelsIn: number;
  readonly tunnelsOut: number;
  /** Packets to the address that came out of a tunnel. */
  readonly unpacked: number;
  /** Answers that begin a connection of TCP, and those of them that announce segments of at most so many octets as were said. */
  readonly beginnings: number;
  readonly clamped: number;
}

const names = ['requests', 'replies', 'sentOn', 'tunnelsIn', 'tunnelsOut', 'unpacked', 'beginnings', 'clamped'] as const;
const guePort = 6080;

/** Starts counting on a node what an address gets and sends. */
export async function startCounting(node: Place, family: Family, address: string, segmentSize: number): Promise<void> {
  const [word, table, number] = family === 'IPv4' ? ['ip', 'ip', 4] : ['ip6', 'ip6', 41];
  const device = family === 'IPv4' ? 'waypost4' : 'waypost6';
  const rules = `table ${table} counting {
${names.map((name) => `    counter ${name} { }`).join('\n')}
    chain in {
      type filter hook prerouting priority -400;
      iifname eth0 ${word} daddr ${address} counter name requests
      iifname eth0 meta l4proto ${number} counter name tunnelsIn
      iifname eth0 udp dport ${guePort} counter name tunnelsIn
      iifname ${device} ${word} daddr ${address} counter name unpacked
    }
    chain out {
      type filter hook postrouting priority 400;
      oifname eth0 ${word} saddr ${address} counter name replies
      oifname eth0 ${word} daddr ${address} counter name sentOn
      oifname eth0 ${word} saddr ${address} tcp flags syn,ack / syn,ack counter name beginnings
      oifname eth0 ${word} saddr ${address} tcp flags syn,ack / syn,ack tcp option maxseg size <= ${segmentSize} counter name clamped
      oifname eth0 meta l4proto ${number} counter name tunnelsOut
      oifname eth0 udp dport ${guePort} counter name tunnelsOut
    }
  }\n`;
  const { code, stderr } = await node.exec('nft', ['-f', '-'], rules);
  if (code !== 0) throw new Error(stderr);
}

/** What was counted since the start; counting ends. */
export async function stopCounting(node: Place, family: Family): Promise<Crossings> {
  const table = family === 'IPv4' ? 'ip' : 'ip6';
  const listed = await mustRun(node, 'nft', 'list', 'counters', 'table', table, 'counting');
  await mustRun(node, 'nft', 'delete', 'table', table, 'counting');
  const counted = names.map((name) => {
    const packets = new RegExp(String.raw`counter ${name} \{\s*packets (\d+)`).exec(listed)?.[1];
    if (packets === undefined) throw new Error(`no counter ${name} in ${listed}`);
    return [name, Number(packets)] as const;
  });
  return Object.fromEntries(counted) as unknown as Crossings;
}
