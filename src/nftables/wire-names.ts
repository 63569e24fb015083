import type { ChainHook, TableFamily } from './transaction.ts';

/** Numbers of uapi/linux/netfilter/nf_tables.h and nfnetlink.h, each list named after its prefix there. */
export const subsystem = 10;

/** `NFT_MSG_*`. */
export const messageType = {
  newTable: 0,
  getTable: 1,
  delTable: 2,
  newChain: 3,
  getChain: 4,
  delChain: 5,
  newRule: 6,
  getRule: 7,
  delRule: 8,
  newSet: 9,
  getSet: 10,
  delSet: 11,
  newElements: 12,
  getElements: 13,
  delElements: 14,
} as const;

/** `NFPROTO_*`. */
export const familyNumbers: Readonly<Record<TableFamily, number>> = { inet: 1, ip: 2, arp: 3, ip6: 10 };

/** `NF_INET_*`, and for tables of family `arp` `NF_ARP_*`. */
export const hookNumbers: Readonly<Record<ChainHook['hook'], number>> = {
  prerouting: 0,
  input: 1,
  forward: 2,
  output: 3,
  postrouting: 4,
};
export const arpHookNumbers: Readonly<Record<'input' | 'output', number>> = { input: 0, output: 1 };

/** `NFTA_TABLE_*` to `NFTA_SET_ELEM_*`. */
export const tableAttribute = { name: 1, flags: 2 } as const;
/** `NFT_TABLE_F_OWNER`. */
export const ownerFlag = 2;
export const chainAttribute = { table: 1, name: 3, hook: 4, policy: 5, type: 7 } as const;
export const hookAttribute = { number: 1, priority: 2 } as const;
export const ruleAttribute = { table: 1, chain: 2, handle: 3, expressions: 4, userdata: 7 } as const;
export const setAttribute = {
  table: 1,
  name: 2,
  flags: 3,
  keyType: 4,
  keyLength: 5,
  dataType: 6,
  dataLength: 7,
  description: 9,
  id: 10,
  timeout: 11,
  userdata: 13,
} as const;
export const descriptionAttribute = { size: 1, concatenation: 2 } as const;
export const listAttribute = { table: 1, set: 2, elements: 3 } as const;
export const elementAttribute = {
  key: 1,
  data: 2,
  flags: 3,
  timeout: 4,
  expiration: 5,
  userdata: 6,
  keyEnd: 10,
} as const;
/** `NFTA_LIST_ELEM`, and the only part of several other nests. */
export const item = 1;
export const dataAttribute = { value: 1, verdict: 2 } as const;
export const verdictAttribute = { code: 1, chain: 2 } as const;

/** `NFT_SET_*`. */
export const setFlag = {
  anonymous: 1,
  constant: 2,
  interval: 4,
  map: 8,
  timeout: 16,
  eval: 32,
  object: 64,
  concat: 128,
} as const;
/** `NFT_SET_ELEM_INTERVAL_END`. */
export const intervalEnd = 1;

/** `NFT_DATA_VERDICT`. */
export const verdictType = 0xff_ff_ff_00;
/** Verdicts (`NF_*`, `NFT_*`) as unsigned numbers. */
export const verdictCodes = { drop: 0, accept: 1, jump: 0xff_ff_ff_fd, goto: 0xff_ff_ff_fc, return: 0xff_ff_ff_fb } as const;

/** Types of set userdata (libnftnl/udata.h): a type and a length of one byte each. */
export const setUserdata = { keyOrder: 0, dataOrder: 1, keyTypeof: 3, dataTypeof: 4, comment: 7 } as const;
/** The comment of an element or a rule in its userdata. */
export const commentUserdata = 0;

/** `NFT_CMP_*`. */
export const compare = { equal: 0, notEqual: 1, lessOrEqual: 3, greaterOrEqual: 5 } as const;
/** `NFT_DYNSET_OP_*`. */
export const dynsetOperations = { add: 0, update: 1, delete: 2 } as const;
/** `NFT_FIB_RESULT_ADDRTYPE`, `NFT_NG_RANDOM`, `NFT_LOOKUP_F_INV`, `NF_NAT_RANGE_PROTO_RANDOM_FULLY`. */
export const addressTypeResult = 3;
export const randomType = 1;
export const invertFlag = 1;
export const fullyRandomFlag = 0x10;

/** `NFT_RT_TCPMSS`, `NFT_BYTEORDER_HTON`. */
export const routeSegmentSize = 3;
export const hostToNetwork = 1;
/** `TCPOPT_MSS`, where its value is, and `NFT_EXTHDR_OP_TCPOPT`. */
export const segmentOption = { kind: 2, offset: 2, length: 2, operation: 1 } as const;

/** `NFT_REJECT_TCP_RST`, and for each family the type (`NFT_REJECT_*`) and codes: RFC 792, RFC 4443, `NFT_REJECT_ICMPX_*`. */
export const resetType = 1;
const eitherFamily = { type: 2, codes: { 'port-unreachable': 1, 'admin-prohibited': 3 } } as const;
export const rejectCodes: Readonly<
  Record<
    TableFamily,
    { readonly type: number; readonly codes: { readonly 'port-unreachable': number; readonly 'admin-prohibited': number } }
  >
> = {
  ip: { type: 0, codes: { 'port-unreachable': 3, 'admin-prohibited': 13 } },
  ip6: { type: 0, codes: { 'port-unreachable': 4, 'admin-prohibited': 1 } },
  inet: eitherFamily,
  arp: eitherFamily,
};
