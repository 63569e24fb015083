import type { CodeTexts } from './code-text.ts';

const repaired = 'nothing: the kernel is read and the change tried again; report it as a bug where it comes with each sync';

/** Codes of iptables mode. */
export const iptablesCodes: CodeTexts = {
  WP_IPTABLES_HELPER: [
    'place',
    'the process that runs the tools died, so what the tool did is not known; it is started again',
    'nothing once; see who ends processes of the container where it comes again',
  ],
  WP_IPTABLES_IN_USE: [
    'place',
    'a chain that is to be deleted is still jumped to, most likely by a rule of somebody else',
    repaired,
  ],
  WP_IPTABLES_LOCKED: [
    'place',
    'another program held the xtables lock for as long as we wait',
    'find the program that holds it; the sync is tried again',
  ],
  WP_IPTABLES_NO_CHAIN: ['place', 'a chain that is changed, deleted or jumped to is not there', repaired],
  WP_IPTABLES_NO_HAIRPIN: [
    'warning',
    'the kernel lacks the bpf match, so a pod that reaches itself through its own Service gets no answer',
    'install the module xt_bpf, or choose another mode',
  ],
  WP_IPTABLES_NO_MATCH: [
    'place',
    'the tool or the kernel lacks a match or a target, which the message names',
    'install the module or a newer iptables',
  ],
  WP_IPTABLES_NO_RULE: ['place', 'a rule to delete, or the place to insert one at, is not there', repaired],
  WP_IPTABLES_NO_TABLE: [
    'place',
    'the kernel lacks a table or the whole IP family',
    'install the kernel’s modules for iptables, or choose another mode',
  ],
  WP_IPTABLES_PERMISSION: [
    'place',
    'CAP_NET_ADMIN or CAP_NET_RAW is missing, or the lock file cannot be written',
    'add the capability, or mount a writable /run/xtables.lock',
  ],
  WP_IPTABLES_REFUSED: [
    'place',
    'the tool refused a change for another reason, which follows in its own words',
    'look at what the tool says; report it as a bug where a rule of ours is to blame',
  ],
  WP_IPTABLES_SET: ['place', 'ipset refused to make, list or remove a set', 'look at what ipset says'],
  WP_IPTABLES_SYSCTL: [
    'place',
    'a kernel parameter that iptables mode needs cannot be set',
    'run the agent with a writable /proc/sys, or set it on the node',
  ],
  WP_IPTABLES_TIMEOUT: [
    'place',
    'a tool took too long and was ended, so what it did is not known',
    'see whether the node has too little processor time; the kernel is read and the change tried again',
  ],
  WP_IPTABLES_TOOL_MISSING: [
    'place',
    'a program of iptables or ipset is not installed or cannot be executed',
    'install it, or choose another mode',
  ],
  WP_IPTABLES_TOO_BIG: [
    'place',
    'a tool printed more than is accepted',
    'see who fills the tables of this node; report it as a bug where the rules are ours',
  ],
  WP_IPTABLES_UNREADABLE: [
    'place',
    'iptables-save printed something that is not its format',
    'report it as a bug with the output of iptables-save',
  ],
  WP_IPTABLES_UNTRACEABLE: [
    'command',
    'the rules leave a packet so many ways that `waypost trace` gives up',
    'narrow the question: name `--device`, `--source-port` or an address',
  ],
};
