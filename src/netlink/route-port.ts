import type { Address, Family, Outcome, Prefix } from '../model/mod.ts';

/** A unicast or local route to one prefix. */
export interface Route {
  readonly destination: Prefix;
  /** 255 is `local`, 254 is `main`. */
  readonly table: number;
  /** `local`: the destination is this host (RTN_LOCAL). */
  readonly type: 'unicast' | 'local' | 'blackhole' | 'unreachable' | 'other';
  /** Name of the outgoing interface, or null. */
  readonly device: string | null;
  /** Address that local processes send from, where the route says so. */
  readonly source: Address | null;
  readonly gateway: Address | null;
  /** Who made the route (RTPROT_*): 2 kernel, 3 boot, 4 static; ours is 87. */
  readonly protocol: number;
}

/** A rule of the routing policy (`ip rule`). */
export interface RoutingRule {
  readonly priority: number;
  /** Null matches every mark. */
  readonly mark: { readonly value: number; readonly mask: number } | null;
  readonly table: number;
  readonly protocol: number;
  /** Says something this shape has no field for, so it is not ours. */
  readonly further: boolean;
}

/** An address of an interface. */
export interface LocalAddress {
  readonly address: Address;
  readonly device: string;
  /** Prefix length of the interface's network. */
  readonly length: number;
  /** 0 universe, 253 link, 254 host. */
  readonly scope: number;
  /** Its preferred lifetime is over: nothing is sent from it by itself. Absent: it is not. */
  readonly deprecated?: true;
}

/** Routes, routing rules and addresses of one family in this network namespace. Failures: `WP_NETLINK_*`. */
export interface RoutePort {
  readonly family: Family;
  /** Routes of one table, or of all. */
  listRoutes(table: number | null): Promise<Outcome<readonly Route[]>>;
  /** Adds what is missing and deletes what is given, additions first; there already, or gone already, is no failure. One verdict each. */
  changeRoutes(add: readonly Route[], remove: readonly Route[]): Promise<Outcome<void>>;
  listRules(): Promise<Outcome<readonly RoutingRule[]>>;
  changeRules(add: readonly RoutingRule[], remove: readonly RoutingRule[]): Promise<Outcome<void>>;
  listAddresses(): Promise<Outcome<readonly LocalAddress[]>>;
  close(): void;
}
