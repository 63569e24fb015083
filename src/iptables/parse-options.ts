/** An option of a match or target extension, as given in one rule. */
export interface GivenOption {
  readonly value: string;
  readonly not: boolean;
}

/** The options of one `-m name` or `-j NAME`, by canonical name. */
export interface Extension {
  readonly name: string;
  readonly given: Map<string, GivenOption>;
}

interface OptionKind {
  readonly name: string;
  /** How many words follow; two are kept with a blank between them. */
  readonly values: 0 | 1 | 2;
}

const takes = (name: string): OptionKind => ({ name, values: 1 });
const takesTwo = (name: string): OptionKind => ({ name, values: 2 });
const flag = (name: string): OptionKind => ({ name, values: 0 });
const ports = { dport: takes('dport'), 'destination-port': takes('dport') };

/** What this room understands of each match extension; an option not listed makes a rule foreign. */
export const matchOptions: Readonly<Record<string, Readonly<Record<string, OptionKind>>>> = {
  comment: { comment: takes('comment') },
  tcp: ports,
  udp: ports,
  sctp: ports,
  conntrack: { ctstate: takes('ctstate') },
  addrtype: { 'dst-type': takes('dst-type'), 'src-type': takes('src-type') },
  mark: { mark: takes('mark') },
  statistic: { mode: takes('mode'), probability: takes('probability') },
  recent: {
    set: flag('set'),
    update: flag('update'),
    rcheck: flag('rcheck'),
    seconds: takes('seconds'),
    reap: flag('reap'),
    name: takes('name'),
    mask: takes('mask'),
    rsource: flag('rsource'),
  },
  set: { 'match-set': takesTwo('match-set') },
  bpf: { bytecode: takes('bytecode') },
};

/** The same for targets. */
export const targetOptions: Readonly<Record<string, Readonly<Record<string, OptionKind>>>> = {
  MARK: {
    'set-xmark': takes('set-xmark'),
    'set-mark': takes('set-mark'),
    'or-mark': takes('or-mark'),
    'and-mark': takes('and-mark'),
    'xor-mark': takes('xor-mark'),
  },
  DNAT: { 'to-destination': takes('to-destination') },
  REJECT: { 'reject-with': takes('reject-with') },
  SET: { 'add-set': takesTwo('add-set'), exist: flag('exist'), timeout: takes('timeout') },
  MASQUERADE: { 'random-fully': flag('random-fully') },
};

/**
 * Target extensions that iptables ships and this room does not use: `-j LOG` is no jump to a chain,
 * even though nothing but the name says so.
 */
export const foreignTargets: ReadonlySet<string> = new Set(
  (
    'AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK CT DNPT DSCP ECN HL HMARK IDLETIMER LED LOG MIRROR NETMAP ' +
    'NFLOG NFQUEUE NOTRACK QUEUE RATEEST REDIRECT SAME SECMARK SET SNAT SNPT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY ' +
    'TRACE TTL ULOG'
  ).split(' '),
);

/** Of those, targets that let a packet go on as it is, or change nothing that decides where it goes. */
export const harmlessTargets: ReadonlySet<string> = new Set(
  (
    'AUDIT CHECKSUM CLASSIFY CONNSECMARK DSCP ECN HL IDLETIMER LED LOG NFLOG RATEEST SECMARK TCPMSS TCPOPTSTRIP TOS TRACE ' +
    'TTL ULOG'
  ).split(' '),
);
