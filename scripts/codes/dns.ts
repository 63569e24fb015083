import type { CodeTexts } from './code-text.ts';
import { bug } from './code-text.ts';

const line = 'correct the line that the message names';

/**
 * Codes of the resolver. `waypost dns convert` ends with 1 for what makes a configuration useless; a running agent keeps the
 * one before.
 */
export const dnsCodes: CodeTexts = {
  WP_DNS_BIND: [
    'warning',
    'the resolver cannot listen on an address; it is tried again',
    'end what listens there, or give `dns` other addresses',
  ],
  WP_DNS_CONFIG_KIND: [
    'warning',
    'the DNS configuration is none of the known kinds, or several at once',
    'give one Corefile, one ConfigMap of kube-dns or one `WaypostDNSConfiguration`',
  ],
  WP_DNS_CONFIG_READ: ['warning', 'a file or folder of the DNS configuration cannot be read', 'correct path or rights'],
  WP_DNS_CONFIG_SYNTAX: ['warning', 'a `WaypostDNSConfiguration` is not valid YAML', line],
  WP_DNS_CONFIG_UNKNOWN_FIELD: ['warning', 'a `WaypostDNSConfiguration` has a field that is not known', line],
  WP_DNS_CONFIG_VALUE: ['warning', 'a field of a `WaypostDNSConfiguration` has a value that it cannot have', line],
  WP_DNS_COREFILE_DIRECTIVE: ['warning', 'a Corefile has a directive or an option that is not known', line],
  WP_DNS_COREFILE_IGNORED: [
    'warning',
    'a directive or option of a Corefile is accepted without effect',
    'nothing, or remove it; docs/reference.md lists which these are',
  ],
  WP_DNS_COREFILE_IMPORT: [
    'warning',
    'an `import` of a Corefile finds neither a snippet nor a file; with a pattern that is allowed',
    'correct its name, or nothing where a pattern may match no file',
  ],
  WP_DNS_COREFILE_SYNTAX: ['warning', 'a Corefile cannot be taken apart into blocks and lines', line],
  WP_DNS_COREFILE_UNSUPPORTED: [
    'warning',
    'a Corefile asks for a plugin, an option or a kind of upstream that is known and not supported',
    'remove it; docs/reference.md lists what is supported',
  ],
  WP_DNS_COREFILE_VALUE: ['warning', 'an argument in a Corefile is wrong', line],
  WP_DNS_KUBE_DNS_IGNORED: [
    'warning',
    'the ConfigMap of kube-dns asks for federations, which nobody serves any more',
    'remove them',
  ],
  WP_DNS_KUBE_DNS_VALUE: ['warning', 'a value in the ConfigMap of kube-dns is wrong', 'correct it as the message says'],
  WP_DNS_LOOP: [
    'warning',
    'a probe sent to the default upstream came back here, so nothing is forwarded there',
    'name upstreams in the configuration, or a resolv.conf that does not lead to this resolver',
  ],
  WP_DNS_NO_CLIENTS: [
    'warning',
    'neither the addresses of pods nor `dns.clients` are known, so only the node itself is answered',
    'set `clusterCIDR` or `dns.clients`',
  ],
  WP_DNS_OFF: [
    'warning',
    'the DNS configuration could not be used at the start, so the agent runs without its resolver',
    'correct what the codes before it name, and start the agent again',
  ],
  WP_DNS_PANIC: ['warning', 'a question met a bug and was answered SERVFAIL', bug],
  WP_DNS_PLAIN_UDP: [
    'warning',
    'datagrams cannot be read in batches, so answers cost more processor time',
    'install the package koffi for this processor and libc; nothing else depends on it',
  ],
  WP_DNS_REGEX: [
    'warning',
    'a regular expression has a construct that is not supported, or is too big',
    'write it in the syntax of RE2, and shorter',
  ],
  WP_DNS_RELOAD: [
    'warning',
    'a changed DNS configuration cannot be used; the one before it stays in force',
    'correct what the codes beside it name',
  ],
  WP_DNS_RESOLV_ADDRESS: ['warning', 'a `nameserver` line of a resolv.conf is no IP address', 'correct the line'],
  WP_DNS_RESOLV_EMPTY: [
    'warning',
    'a resolv.conf names no server that can be forwarded to',
    'name one there, or name upstreams in the configuration',
  ],
  WP_DNS_RESOLV_LOOPBACK: [
    'warning',
    'a resolv.conf names a stub on this host, which may forward back here',
    'name the file with the real servers, with systemd-resolved `/run/systemd/resolve/resolv.conf`',
  ],
  WP_DNS_RESOLV_MISSING: ['warning', 'the resolv.conf that upstreams are taken from cannot be read', 'correct its path'],
  WP_DNS_RESOLV_OWN: [
    'warning',
    'a resolv.conf names an address that this resolver answers on, which would be a loop',
    'name other servers there',
  ],
  WP_DNS_RESOLV_SEARCH: ['warning', 'a search domain of a resolv.conf is no domain name', 'correct the line'],
  WP_DNS_RESTART_NEEDED: [
    'warning',
    'the new DNS configuration needs objects of the cluster that are not watched yet',
    'restart the agent',
  ],
  WP_DNS_TEMPLATE: ['warning', 'a template uses an action that is not supported', 'use those that the message names'],
  WP_DNS_THREAD: [
    'warning',
    'a DNS thread ended or said nothing for too long, and is started again',
    'nothing once; report it as a bug where it comes again',
  ],
  WP_DNS_UPSTREAMS: ['warning', 'there are more than 15 upstreams; the first are used', 'name fewer'],
  WP_DNS_UPSTREAM_OWN: [
    'warning',
    'an upstream is this resolver itself or the stub of this node, which would be a loop',
    'name another upstream',
  ],
};
