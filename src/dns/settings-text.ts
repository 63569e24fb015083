import { isPort, parseAddress } from '../model/mod.ts';
import type { ListenText, Upstream } from './settings.ts';

/** `10.0.0.53`, `10.0.0.53:5353`, `fd00::53`, `[fd00::53]:5353`; null for anything else, names of hosts included. */
export function parseUpstream(text: string, usualPort = 53): Upstream | null {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  const isBareIpv6 = text.indexOf(':') !== text.lastIndexOf(':');
  const plain = isBareIpv6 ? [text, text] : /^([^:]+)(?::(\d+))?$/.exec(text);
  const found = bracketed ?? plain;
  const address = parseAddress(found?.[1] ?? '');
  const port = found?.[2] === undefined ? usualPort : Number(found[2]);
  return address === null || !isPort(port) ? null : { address, port };
}

/** `:8080`, `10.0.0.1:8080`, `[::1]:8080`, `localhost:8080`; null for anything else. */
export function parseListen(text: string): ListenText | null {
  const found = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  if (found === null || !isPort(port)) return null;
  const address = found[1] === undefined ? null : parseAddress(found[1]);
  if (found[1] !== undefined && address === null) return null;
  return { host: address ?? found[2] ?? '', port };
}

export function formatListen({ host, port }: ListenText): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
