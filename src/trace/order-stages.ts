import type { TraceHook, TraceStage } from '../model/mod.ts';

/**
 * What a packet meets at a hook, in order. `tracking`: connection tracking looks at it. `settled`: all chains of type nat
 * have been asked, and the connection keeps what they said.
 */
export type HookPart = TraceStage | 'tracking' | 'settled';

export type OrderedStages = Readonly<Record<TraceHook, readonly HookPart[]>>;

const hooks: readonly TraceHook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

/** `NF_IP_PRI_CONNTRACK`. */
const trackingPriority = -200;
/**
 * Where the kernel asks chains of type nat, whatever priority they have among themselves (net/netfilter/nf_nat_proto.c:
 * `NF_IP_PRI_NAT_DST` and `NF_IP_PRI_NAT_SRC`).
 */
const natPriority: Readonly<Record<TraceHook, number | null>> = {
  prerouting: -100,
  input: 100,
  forward: null,
  output: -100,
  postrouting: 100,
};

/** Sorts what concerns each hook by the kernel's priorities. */
export function orderStages(stages: readonly TraceStage[]): OrderedStages {
  const ordered = hooks.map(
    (hook) =>
      [
        hook,
        orderHook(
          hook,
          stages.filter((stage) => stage.hook === hook),
        ),
      ] as const,
  );
  return Object.fromEntries(ordered) as OrderedStages;
}

function orderHook(hook: TraceHook, stages: readonly TraceStage[]): readonly HookPart[] {
  const nat = natPriority[hook];
  const placed: { readonly at: number; readonly part: HookPart }[] = stages
    .toSorted((a, b) => a.priority - b.priority)
    .map((stage) => ({ at: stage.nat && nat !== null ? nat : stage.priority, part: stage }));
  if (nat !== null) placed.push({ at: nat, part: 'settled' });
  if (hook === 'prerouting' || hook === 'output') placed.unshift({ at: trackingPriority, part: 'tracking' });
  return placed.toSorted((a, b) => a.at - b.at).map(({ part }) => part);
}
