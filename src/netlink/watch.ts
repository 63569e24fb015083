import type { Family, Outcome } from '../model/mod.ts';
import { generationTypes, readGeneration, readSender } from './codec-generation.ts';
import type { Generation } from './codec-generation.ts';
import { addressTypes, readAddress } from './codec-link.ts';
import type { KernelAddress } from './codec-link.ts';
import { neighbourTypes, readNeighbour } from './codec-neighbour.ts';
import { netlinkProtocol } from './driver-libc.ts';
import { openNotifications } from './driver-notifications.ts';
import type { Notification, NotificationOptions, Subscription } from './driver-notifications.ts';
import type { Neighbour } from './neighbour-port.ts';

/** `RTNLGRP_IPV4_IFADDR`, `RTNLGRP_IPV6_IFADDR` and `NFNLGRP_NFTABLES`. */
const addressGroups: Readonly<Record<Family, number>> = { IPv4: 5, IPv6: 9 };
const rulesetGroup = 7;
/** `RTNLGRP_NEIGH`, of both families. */
const neighbourGroup = 3;

type Failing = Exclude<Notification, { readonly kind: 'message' }>;

/** An address that came or went, or came again with other properties. Of its interface only the number is told. */
export type AddressEvent = { readonly kind: 'added' | 'removed'; readonly address: KernelAddress } | Failing;

/** Somebody's transaction. `port` is that of the socket that sent it ({@link NetlinkSocket.port} for our own). */
export type RulesetEvent = { readonly kind: 'generation'; readonly generation: Generation; readonly port: number } | Failing;

type Open = NotificationOptions['open'];

/** Hears changes of the addresses of a family in this network namespace. */
export function watchAddresses(
  family: Family,
  onChange: (event: AddressEvent) => void,
  open?: Open,
): Promise<Outcome<Subscription>> {
  const options = { protocol: netlinkProtocol.route, groups: [addressGroups[family]], ...(open === undefined ? {} : { open }) };
  return openNotifications(options, (notification) => {
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
  const options = { protocol: netlinkProtocol.route, groups: [neighbourGroup], ...(open === undefined ? {} : { open }) };
  return openNotifications(options, (notification) => {
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

/** Hears of every transaction of nftables in this network namespace, our own included. */
export function watchRuleset(onChange: (event: RulesetEvent) => void, open?: Open): Promise<Outcome<Subscription>> {
  const options = { protocol: netlinkProtocol.netfilter, groups: [rulesetGroup], ...(open === undefined ? {} : { open }) };
  return openNotifications(options, (notification) => {
    if (notification.kind !== 'message') {
      onChange(notification);
      return;
    }
    const { view, message } = notification;
    const generation = message.type === generationTypes.new ? readGeneration(view, message) : null;
    if (generation !== null) onChange({ kind: 'generation', generation, port: readSender(view, message) });
  });
}
