import { isPort, parseAddress } from '../model/mod.ts';
import type { LabelRequirement, LabelSelector, ListenText, Upstream } from './settings.ts';

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

const labelKey = /^(?:[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$/;
const labelValue = /^(?:[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?)?$/;

/** A label selector in the text form of kubectl: `app=web,tier in (a, b),!canary,env!=test`. Null where it is none. */
export function parseSelector(text: string): LabelSelector | null {
  const requirements: LabelRequirement[] = [];
  // Commas inside of parentheses separate values.
  for (const part of text.trim() === '' ? [] : text.split(/,(?![^(]*\))/)) {
    const requirement = parseRequirement(part.trim());
    if (requirement === null) return null;
    requirements.push(requirement);
  }
  return requirements;
}

function parseRequirement(text: string): LabelRequirement | null {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  const equal = /^([^\s=!]+)\s*(==|=|!=)\s*([^\s=!]*)$/.exec(text);
  const lone = /^(!?)\s*([^\s=!]+)$/.exec(text);
  const key = set?.[1] ?? equal?.[1] ?? lone?.[2] ?? '';
  const values = set !== null ? (set[3] ?? '').split(',').map((value) => value.trim()) : equal !== null ? [equal[3] ?? ''] : [];
  if (!labelKey.test(key) || !values.every((value) => labelValue.test(value))) return null;
  if (set !== null) return { key, operator: set[2] === 'in' ? 'in' : 'notin', values };
  if (equal !== null) return { key, operator: equal[2] === '!=' ? 'notin' : 'in', values };
  return { key, operator: lone?.[1] === '!' ? 'absent' : 'exists', values: [] };
}

export function formatSelector(selector: LabelSelector): string {
  return selector.map(formatRequirement).join(',');
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case 'absent':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`;
  }
}
