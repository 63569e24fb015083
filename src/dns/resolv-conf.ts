import { isLoopback, parseAddress } from '../model/mod.ts';
import type { Address, Problem } from '../model/mod.ts';
import { lowerName, parseName } from './name.ts';
import type { Name } from './name.ts';
import type { Upstream } from './settings.ts';

export interface ResolvConf {
  /** Those that can be forwarded to, at most 15. */
  readonly nameservers: readonly Upstream[];
  /** In lower case. */
  readonly search: readonly Name[];
  readonly ndots: number;
  /** Lines that could not be used and why. */
  readonly problems: readonly Problem[];
}

/** Upstreams of one rule, specification 11.1. */
const mostUpstreams = 15;

/** Limits of kubelet and of resolv.conf(5). */
const mostSearch = 32;
const mostDots = 15;

const dnsPort = 53;

/**
 * Reads resolv.conf(5). `own` are the addresses that we listen on and the cluster DNS addresses that we intercept: to
 * forward there, or to a stub on a loopback address that forwards to us in turn, would be a loop (specification 11.15, 16.6).
 */
export function readResolvConf(text: string, own: readonly Address[]): ResolvConf {
  const lines = text.split('\n').map((line) => line.replace(/[#;].*/, '').trim());
  const fields = lines.filter((line) => line !== '').map((line) => line.split(/\s+/));
  const servers = fields.flatMap(([key, value]) => (key === 'nameserver' ? [readServer(value ?? '', own)] : []));
  const found = servers.filter((server) => typeof server === 'string');
  const usable = [...new Set(found)].slice(0, mostUpstreams).map((address) => ({ address, port: dnsPort }));
  const search = readSearch(fields);
  const problems = [...servers.filter((server) => typeof server !== 'string'), ...search.problems];
  return {
    nameservers: usable,
    search: search.names,
    ndots: readDots(fields),
    problems: usable.length > 0 ? problems : [...problems, noServer],
  };
}

const noServer: Problem = {
  code: 'WP_DNS_RESOLV_EMPTY',
  message: 'resolv.conf names no nameserver that can be forwarded to',
};

function readServer(value: string, own: readonly Address[]): Address | Problem {
  const address = parseAddress(value);
  if (address === null) {
    return { code: 'WP_DNS_RESOLV_ADDRESS', message: `resolv.conf: nameserver ${JSON.stringify(value)} is no IP address` };
  }
  if (own.includes(address)) {
    return {
      code: 'WP_DNS_RESOLV_OWN',
      message: `resolv.conf: nameserver ${address} is an address that we answer on ourselves; forwarding there would be a loop`,
    };
  }
  // resolv.conf(5) takes the unspecified address for this host as well.
  if (isLoopback(address) || address === '0.0.0.0' || address === '::') {
    return {
      code: 'WP_DNS_RESOLV_LOOPBACK',
      message:
        `resolv.conf: nameserver ${address} is a stub on this host (systemd-resolved, dnsmasq) that may forward to us in turn; ` +
        'name the file with the real servers instead, for systemd-resolved /run/systemd/resolve/resolv.conf',
    };
  }
  return address;
}

/** The last of `search` and `domain` holds. */
function readSearch(fields: readonly string[][]): { readonly names: readonly Name[]; readonly problems: readonly Problem[] } {
  const last = fields.findLast(([key]) => key === 'search' || key === 'domain');
  const words = last?.slice(1, last[0] === 'domain' ? 2 : undefined) ?? [];
  const parsed = words.map((word) => ({ word, name: parseName(word) }));
  const problems = parsed
    .filter(({ name }) => name === null)
    .map(({ word }): Problem => ({
      code: 'WP_DNS_RESOLV_SEARCH',
      message: `resolv.conf: search ${JSON.stringify(word)} is no domain name`,
    }));
  const names = parsed.flatMap(({ name }) => (name === null ? [] : [lowerName(name)]));
  return { names: [...new Set(names)].slice(0, mostSearch), problems };
}

function readDots(fields: readonly string[][]): number {
  const options = fields.filter(([key]) => key === 'options').flatMap((field) => field.slice(1));
  const found = options.findLast((option) => /^ndots:\d+$/.test(option));
  return found === undefined ? 1 : Math.min(Number(found.slice('ndots:'.length)), mostDots);
}
