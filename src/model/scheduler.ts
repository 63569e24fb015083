/** The schedulers of the Linux kernel (`net/netfilter/ipvs/ip_vs_*.c`), by the name that `ipvsadm -s` takes. */
export const schedulerNames: readonly string[] = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'dh',
  'sh',
  'mh',
  'sed',
  'nq',
  'fo',
  'ovf',
];
