import type { CodeTexts } from './code-text.ts';

/** Codes of talking to the kernel; most are the reason inside another room's failure. */
export const netlinkCodes: CodeTexts = {
  WP_NETLINK_BIND: ['place', 'a socket cannot be bound to an address and port', 'end what listens there'],
  WP_NETLINK_DEVICE: [
    'place',
    'a route names an interface that is not there',
    'see to the interface; the route is tried again with the next sync',
  ],
  WP_NETLINK_FAMILY: [
    'place',
    'the kernel lacks a part that is asked by generic netlink, such as IPVS or fou',
    'install and load the module that the message names',
  ],
  WP_NETLINK_FFI: [
    'place',
    'system calls are out of reach, because koffi is not installed for this processor and libc',
    'install it, or choose the exec drivers (`ipvs.driver`, `nftables.driver`)',
  ],
  WP_NETLINK_FOREIGN: [
    'place',
    'somebody else has a route to the same prefix, which is left alone',
    'remove that route, or give the Service another address',
  ],
  WP_NETLINK_FRAME: [
    'warning',
    'an Ethernet frame that announces an address could not be sent',
    'add CAP_NET_RAW, or see to the interface',
  ],
  WP_NETLINK_MALFORMED: ['place', 'the kernel’s answer is not netlink', 'report it as a bug with the version of the kernel'],
  WP_NETLINK_REFUSED: [
    'place',
    'the kernel or the command ip refused a change, with the reason in the message',
    'look at the reason; add CAP_NET_ADMIN where it is EPERM',
  ],
  WP_NETLINK_SILENT: [
    'place',
    'the kernel did not answer, or not all of the answer came through',
    'nothing: it is tried again; see to memory and processor time of the node where it goes on',
  ],
  WP_NETLINK_SOCKET: [
    'place',
    'a socket to the kernel cannot be opened or used',
    'raise the limit of open files, or allow the system call that the message names',
  ],
  WP_NETLINK_TOOL: ['place', 'the command ip cannot be run or failed', 'install iproute2, or choose the netlink driver'],
  WP_NETLINK_UNSUPPORTED: [
    'place',
    'a route or rule of a kind that is never written was to be written',
    'report it as a bug, with the log around it',
  ],
};
