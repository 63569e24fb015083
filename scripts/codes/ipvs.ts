import type { CodeTexts } from './code-text.ts';

const repaired = 'nothing: the kernel is read and the change tried again; report it as a bug where it comes with each sync';

/** Codes of ipvs mode. */
export const ipvsCodes: CodeTexts = {
  WP_IPVS_DENIED: ['place', 'CAP_NET_ADMIN is missing', 'add it to the capabilities of the container'],
  WP_IPVS_EXISTS: ['place', 'a virtual server or destination to add is there already', repaired],
  WP_IPVS_FOREIGN: [
    'place',
    'another program made the virtual server that a Service needs; it stays as it is, and the Service is not served there',
    'remove it (`ipvsadm -D`), or give the Service another address or port',
  ],
  WP_IPVS_INVALID: [
    'place',
    'a value is one that no kernel takes, or an address is not unicast for this node',
    'correct the address of the Service or endpoint that the message names',
  ],
  WP_IPVS_MISSING: [
    'place',
    'the kernel has no IPVS, and no module that brings it',
    'install and load ip_vs, or choose another mode',
  ],
  WP_IPVS_NO_DESTINATION: ['place', 'a destination to edit or delete is not there', repaired],
  WP_IPVS_NO_SCHEDULER: [
    'place',
    'the kernel lacks the scheduler that is asked for; Services are served with another, which the message names',
    'install its module, or correct `ipvs.scheduler` or the annotation of the Service',
  ],
  WP_IPVS_NO_SERVER: ['place', 'a virtual server to edit, delete or give a destination to is not there', repaired],
  WP_IPVS_RANGE: ['place', 'a number is one that the kernel does not take', 'correct the value that the message names'],
  WP_IPVS_REFUSED: [
    'place',
    'the kernel or ipvsadm refused a change for another reason, which the message gives',
    'look at what it says; report it as a bug where the change is to blame',
  ],
  WP_IPVS_SYSCTL: [
    'place',
    'a kernel parameter that ipvs mode needs is not there or cannot be set',
    'load ip_vs, and run `waypost init` with privileges or set the parameter on the node',
  ],
  WP_IPVS_TAKEN: [
    'warning',
    'two Services ask for the same address and port, or one for a port that packets of the other are rewritten to; the older one has it',
    'change the port or address of one of them',
  ],
  WP_IPVS_TOOL: ['place', 'ipvsadm cannot be run', 'install ipvsadm, or leave `ipvs.driver` at netlink'],
  WP_IPVS_UNREADABLE: [
    'place',
    'a listing of ipvsadm or of the kernel has a line that is not understood',
    'report it as a bug with that line',
  ],
  WP_IPVS_UNSURE: [
    'place',
    'an answer was lost or the tool was ended, so what was asked for may have been done or not',
    repaired,
  ],
};
