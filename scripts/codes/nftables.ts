import type { CodeTexts } from './code-text.ts';
import { nothing } from './code-text.ts';

const repaired = 'nothing: the table is read and the change tried again; report it as a bug where it comes with each sync';

/** Codes of nftables: its mode, the side rules of ipvs mode and the table of the resolver. */
export const nftablesCodes: CodeTexts = {
  WP_NFT_BUSY: ['place', 'something is in use, or changes all the time while it is read', repaired],
  WP_NFT_DENIED: [
    'place',
    'CAP_NET_ADMIN is missing, or the table belongs to another agent that runs',
    'add the capability, or stop the other agent',
  ],
  WP_NFT_EXISTS: ['place', 'something to add is there already and is different, or its range overlaps with one', repaired],
  WP_NFT_FULL: [
    'place',
    'a set takes no more elements, or the process has too many files open',
    'raise the limit of open files; see who fills the set otherwise',
  ],
  WP_NFT_HEARTBEAT: [
    'warning',
    'no UDP socket can be opened on the loopback address, without which questions are not taken to this node',
    'see that the interface lo is up',
  ],
  WP_NFT_INVALID: [
    'place',
    'a change is one that no kernel takes',
    'report it as a bug with the message; an unusual name of an interface may be to blame',
  ],
  WP_NFT_MISSING: ['place', 'a table, chain, set or element that is changed is not there', repaired],
  WP_NFT_NO_KERNEL: [
    'place',
    'the kernel lacks nf_tables or a part of it, which the message names',
    'install and load the module, or choose another mode',
  ],
  WP_NFT_POOL_TOO_LARGE: [
    'place',
    'a Service has more back ends, each counted by its weight, than a draw can be among',
    'lower the weights, or give the Service fewer endpoints',
  ],
  WP_NFT_REFUSED: [
    'place',
    'the kernel refused a change for another reason, with the error in the message',
    'look at the error; report it as a bug where the change is to blame',
  ],
  WP_NFT_STALE: ['place', 'somebody else changed the rules between a look and a change; it is tried again', nothing],
  WP_NFT_TOOL: ['place', 'the program nft is missing or was ended', 'install nftables, or choose the netlink driver'],
  WP_NFT_UNREADABLE: [
    'place',
    'what the kernel or nft says of a table is not understood',
    'report it as a bug with the output of `nft list table`',
  ],
  WP_NFT_UNTRACEABLE: [
    'command',
    'the rules leave a packet so many ways that `waypost trace` gives up',
    'narrow the question: name `--device`, `--source-port` or an address',
  ],
};
