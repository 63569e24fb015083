import type { DnsChoices, EffectiveConfig } from '../config/mod.ts';
import { formatEndpoint, parseAddress } from '../model/mod.ts';
import type { Address, Problem } from '../model/mod.ts';
import { finding } from './check-facts.ts';
import type { Finding, NodeFacts } from './check-facts.ts';
import { findModule } from './check-kernel.ts';

/** A UDP socket, or a TCP socket that listens. */
export interface BoundSocket {
  readonly protocol: 'UDP' | 'TCP';
  /** `0.0.0.0` or `::`: all of them. */
  readonly address: Address;
  readonly port: number;
}

/** What the resolver would meet on a node. */
export interface DnsFacts {
  readonly sockets: readonly BoundSocket[];
  /** Why no system calls can be made; null where they can. */
  readonly ffi: string | null;
  /** What of its configuration and of resolv.conf cannot be used. */
  readonly warnings: readonly Problem[];
  readonly problems: readonly Problem[];
}

const dnsPort = 53;

/** What keeps the resolver of this configuration from answering, or pods from reaching it. */
export function checkDns(config: EffectiveConfig, facts: NodeFacts): readonly Finding[] {
  if (config.dns === null || facts.dns === null) return [];
  return [
    ...checkSockets(config.dns, facts, facts.dns),
    ...checkReach(config.dns, facts, facts.dns),
    ...checkSettings(facts.dns),
  ];
}

function checkSockets(
  { addresses, service, interceptPort }: DnsChoices,
  { chains }: NodeFacts,
  { sockets }: DnsFacts,
): readonly Finding[] {
  const code = 'WP_CLI_CHECK_DNS_PORT';
  // This table is there as long as an agent answers here: the sockets are its own.
  if (/^table inet waypost_dns \{/m.test(chains ?? '')) return [finding('note', code, 'an agent answers DNS here already')];
  const wanted = addresses.map((address) => ({ address, port: dnsPort }));
  const taken = wanted.flatMap(({ address, port }) =>
    sockets
      .filter((socket) => socket.port === port && doMeet(socket.address, address))
      .map(({ protocol, address: by }) => {
        const message = `${protocol} ${formatEndpoint(address, port)} is taken by a socket of another program on ${formatEndpoint(by, port)}`;
        return finding(
          'error',
          code,
          message,
          'stop that program, have it listen on its own addresses only, or name others in dns.addresses',
        );
      }),
  );
  const behind = service === null ? [] : sockets.filter(({ address, port }) => port === interceptPort && isAny(address));
  const hidden = behind.slice(0, 1).map(({ protocol }) => {
    const message = `${protocol} port ${interceptPort}, where questions to ${service} are taken, belongs to another program`;
    return finding('error', code, message, 'give dns.interceptPort another port');
  });
  const wrong = [...taken, ...hidden];
  return wrong.length > 0 ? wrong : [finding('ok', code, `port ${dnsPort} of ${addresses.join(' and ')} is free`)];
}

function isAny(address: Address): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** A socket of all IPv6 addresses usually has those of IPv4 as well. */
function doMeet(bound: Address, wanted: Address): boolean {
  return bound === wanted || bound === '::' || (bound === '0.0.0.0' && !wanted.includes(':'));
}

/** Without the packet filter questions to the Service go the ordinary way, and only those to our own addresses come here. */
function checkReach({ service }: DnsChoices, facts: NodeFacts, { ffi }: DnsFacts): readonly Finding[] {
  const code = 'WP_CLI_CHECK_DNS_INTERCEPT';
  const lost =
    service === null ? 'questions are not kept out of connection tracking' : `questions to ${service} are not taken to this node`;
  if (ffi !== null) {
    const message = `no system calls can be made (${ffi}): ${lost}, and datagrams are read one by one`;
    return [finding('warning', code, message, 'install the package koffi for this processor and libc')];
  }
  if (facts.chains === null && findModule('nf_tables', facts) === 'absent') {
    const message = `kernel ${facts.kernelRelease} has no module nf_tables: ${lost}`;
    return [finding('warning', code, message, 'install the kernel’s package of extra modules')];
  }
  return [finding('ok', code, 'questions can be taken to this node')];
}

function checkSettings({ warnings, problems }: DnsFacts): readonly Finding[] {
  const code = 'WP_CLI_CHECK_DNS_CONFIG';
  if (warnings.length + problems.length === 0)
    return [finding('ok', code, 'the DNS configuration and its upstreams can be used')];
  return [
    ...problems.map(({ message }) => finding('error', code, message)),
    ...warnings.map(({ message }) => finding('warning', code, message)),
  ];
}

/** TCP_LISTEN, and what UDP sockets without a peer have. */
const states = { TCP: '0A', UDP: '07' } as const;

/** Reads `/proc/net/udp` and its like. `littleEndian`: of the machine, as the kernel prints the words of an address. */
export function parseBoundSockets(
  text: string,
  protocol: BoundSocket['protocol'],
  littleEndian: boolean,
): readonly BoundSocket[] {
  return [...text.matchAll(/^\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) /gm)].flatMap(
    ([, hex = '', port = '', state = '']) => {
      const address = state === states[protocol] ? readHexAddress(hex, littleEndian) : null;
      return address === null ? [] : [{ protocol, address, port: Number.parseInt(port, 16) }];
    },
  );
}

function readHexAddress(hex: string, littleEndian: boolean): Address | null {
  const words = hex.match(/.{8}/g) ?? [];
  const octets = words.flatMap((word) => {
    const ordered = word.match(/../g) ?? [];
    return (littleEndian ? ordered.toReversed() : ordered).map((octet) => Number.parseInt(octet, 16));
  });
  if (octets.length === 4) return parseAddress(octets.join('.'));
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((octets[index * 2] ?? 0) * 256 + (octets[index * 2 + 1] ?? 0)).toString(16),
  );
  return parseAddress(groups.join(':'));
}
