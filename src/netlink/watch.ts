import type { Family, Outcome } from '../model/mod.ts';
import { generationTypes, readGeneration } from './codec-generation.ts';
import type { Generation } from './codec-generation.ts';
import { addressTypes, readAddress } from './codec-link.ts';
import type { KernelAddress } from './codec-link.ts';
import { neighbourTypes, readNeighbour } from './codec-neighbour.ts';
import { readRoute, routeTypes } from './codec-route.ts';
import { readRule, ruleTypes } from './codec-rule.ts';
import { readTableName } from './codec-table.ts';
import { netlinkProtocol } from './driver-libc.ts';
import { openNotifications } from './driver-notifications.ts';
import type { Notification, NotificationOptions, Subscription } from './driver-notifications.ts';
import type { Neighbour } from './neighbour-port.ts';

/** `RTNLGRP_IPV4_IFADDR`, `RTNLGRP_IPV6_IFADDR` and `NFNLGRP_NFTABLES`. */
const addressGroups: Readonly<Record<Family, number>> = { IPv4: 5, IPv6: 9 };
/** `RTNLGRP_IPV4_ROUTE` and `RTNLGRP_IPV4_RULE`, `RTNLGRP_IPV6_ROUTE` and `RTNLGRP_IPV6_RULE`. */
const routeGroups: Readonly<Record<Family, readonly number[]>> = { IPv4: [7, 8], IPv6: [11, 19] };
const rulesetGroup = 7;
/** `RTNLGRP_NEIGH`, of both families. */
const neighbourGroup = 3;

type Failing = Exclude<Notification, { readonly kind: 'message' }>;

/** An address that came or went, or came again with other properties. Of its interface only the number is told. */
export type AddressEvent = { readonly kind: 'added' | 'removed'; readonly address: KernelAddress } | Failing;

/** Somebody else's transaction, and the tables that it changed something in: `ip6 nat`. */
export type TransactionEvent =
  | { readonly kind: 'transaction'; readonly generation: Generation; readonly tables: readonly string[] }
  | Failing;

/** A route or a routing rule that came or went: of which table, and of which origin (`RTPROT_*`). */
export type RouteEvent = { readonly kind: 'added' | 'removed'; readonly table: number; readonly protocol: number } | Failing;

type Open = NotificationOptions['open'];

/** Hears changes of the addresses of a family in this network namespace. */
export function watchAddresses(
  family: Family,
  onChange: (event: AddressEvent) => void,
  open?: Open,
): Promise<Outcome<Subscription>> {
  const options = { protocol: netlinkProtocol.route, groups: [addressGroups[family]] };
  return openNotifications(withOpen(options, open), (notification) => {
    if (notification.kind !== 'message') {
      onChange(notification);
      return;
    }
    const { view, message } = notification;
    if (message.type !== addressTypes.new && message.type !== addressTypes.delete) return;
    const address = readAddress(view, message, family);
    if (address !== null) onChange({ kind: message.type === addressTypes.new ? 'added' : 'removed', address });
  });
}

/** A neighbour that the kernel came to know, knows otherwise, or forgot. */
export type NeighbourEvent = { readonly kind: 'changed'; readonly neighbour: Neighbour } | Failing;

/** Hears what becomes of the neighbours of a family in this network namespace. */
export function watchNeighbours(
  family: Family,
  onChange: (event: NeighbourEvent) => void,
  open?: Open,
): Promise<Outcome<Subscription>> {
  const options = { protocol: netlinkProtocol.route, groups: [neighbourGroup] };
  return openNotifications(withOpen(options, open), (notification) => {
    if (notification.kind !== 'message') {
      onChange(notification);
      return;
    }
    const { view, message } = notification;
    if (message.type !== neighbourTypes.new && message.type !== neighbourTypes.delete) return;
    const neighbour = readNeighbour(view, message, family);
    if (neighbour !== null) onChange({ kind: 'changed', neighbour });
  });
}

/**
 * Hears of transactions of nftables in this network namespace that were not made through sockets of this thread, with the tables
 * that each changed something in. The kernel tells of objects first and of the transaction last (nf_tables_commit).
 */
export function watchTables(onChange: (event: TransactionEvent) => void, open?: Open): Promise<Outcome<Subscription>> {
  const options = { protocol: netlinkProtocol.netfilter, groups: [rulesetGroup], othersOnly: true };
  let tables = new Set<string>();
  return openNotifications(withOpen(options, open), (notification) => {
    if (notification.kind !== 'message') {
      onChange(notification);
      return;
    }
    const { view, message } = notification;
    if (message.type !== generationTypes.new) {
      const table = readTableName(view, message);
      if (table !== null) tables.add(table);
      return;
    }
    const generation = readGeneration(view, message);
    if (generation !== null) onChange({ kind: 'transaction', generation, tables: [...tables] });
    tables = new Set();
  });
}

/** Hears of routes and routing rules of a family that came and went, but for what sockets of this thread did. */
export function watchRoutes(family: Family, onChange: (event: RouteEvent) => void, open?: Open): Promise<Outcome<Subscription>> {
  const options = { protocol: netlinkProtocol.route, groups: routeGroups[family], othersOnly: true };
  return openNotifications(withOpen(options, open), (notification) => {
    if (notification.kind !== 'message') {
      onChange(notification);
      return;
    }
    const { view, message } = notification;
    const { type } = message;
    const isRoute = type === routeTypes.new || type === routeTypes.delete;
    if (!isRoute && type !== ruleTypes.new && type !== ruleTypes.delete) return;
    const found = isRoute ? readRoute(view, message, family) : readRule(view, message, family);
    const kind = type === routeTypes.new || type === ruleTypes.new ? 'added' : 'removed';
    if (found !== null) onChange({ kind, table: found.table, protocol: found.protocol });
  });
}

function withOpen(options: Omit<NotificationOptions, 'open'>, open: Open): NotificationOptions {
  return open === undefined ? options : { ...options, open };
}
