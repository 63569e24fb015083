/** What `waypost trace -o json` prints, as far as the page shows it. */
export interface TraceAnswer {
  readonly family: string;
  readonly protocol: string;
  readonly source: { readonly given: string; readonly address: string; readonly port: number; readonly device: string | null };
  readonly destination: { readonly given: string; readonly address: string; readonly port: number };
  readonly frontend: { readonly service: string; readonly servicePort: string; readonly kind: string } | null;
  readonly verdict: string;
  readonly sentence: string;
  readonly ends: readonly TraceEndAnswer[];
  readonly unknown: readonly TraceStepAnswer[];
  readonly gaps: readonly string[];
  readonly notes: readonly string[];
}

export interface TraceEndAnswer {
  readonly verdict: string;
  readonly address: string;
  readonly port: number;
  readonly name: string | null;
  readonly probability: number;
  readonly source: string;
  readonly masqueraded: boolean;
  readonly device: string | null;
  readonly listening: boolean | null;
  readonly steps: readonly TraceStepAnswer[];
}

export interface TraceStepAnswer {
  readonly hook: string | null;
  readonly place: string;
  readonly text: string;
}

/** Whether a verdict is what a client hopes for. */
export function judgeVerdict(verdict: string): 'good' | 'waiting' | 'bad' | 'neutral' {
  if (verdict === 'delivered') return 'good';
  if (verdict === 'passes') return 'neutral';
  return verdict === 'mixed' ? 'waiting' : 'bad';
}

/** What else is known of an end: `this node`, `source rewritten to 192.0.2.11`, `nothing listens`. */
export function describeEnd({ source, masqueraded, device, listening }: TraceEndAnswer): string {
  const parts = [
    masqueraded ? `source rewritten to ${source}` : `source stays ${source}`,
    ...(device === null ? [] : [`leaves through ${device}`]),
    ...(listening === false ? ['nothing listens there'] : []),
  ];
  return parts.join('; ');
}
