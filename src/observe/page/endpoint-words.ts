/** An endpoint as `/endpoints/use` tells it, as far as it is shown. */
export interface EndpointAnswer {
  readonly portName: string;
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
  readonly node: string | null;
  readonly local: boolean;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly inside: EndpointPartAnswer;
  readonly outside: EndpointPartAnswer | null;
}

export type EndpointPartAnswer =
  | { readonly used: true; readonly weight: number }
  | { readonly used: false; readonly why: string };

const reasons: Readonly<Record<string, string>> = {
  'not-ready': 'not ready',
  'check-failed': 'a check found it dead',
  terminating: 'terminating, and others are ready',
  'not-local': 'not on this node',
  'other-zone': 'for another zone',
  'other-node': 'for another node',
  'no-weight': 'weight 0',
};

export interface EndpointState {
  readonly kind: 'good' | 'waiting' | 'bad';
  readonly words: string;
}

/** The conditions of an endpoint in words. */
export function describeEndpoint({ ready, serving, terminating }: EndpointAnswer): EndpointState {
  if (terminating) return { kind: 'waiting', words: serving ? 'terminating, serves' : 'terminating' };
  return ready ? { kind: 'good', words: 'ready' } : { kind: 'bad', words: 'not ready' };
}

/** Whether it gets connections of some clients, and why not. */
export function describePart(part: EndpointPartAnswer | null): string {
  if (part === null) return '\u2013';
  if (!part.used) return `no: ${reasons[part.why] ?? part.why}`;
  return part.weight === 1 ? 'yes' : `yes, weight ${part.weight}`;
}
