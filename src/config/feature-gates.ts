import { suggestName } from './suggest-name.ts';

/** The gates that have a meaning for a service proxy and their defaults (specification 9.5). */
const gateDefaults = {
  AllowServiceExternalIPs: true,
  ComponentFlagz: true,
  ComponentStatusz: true,
  ContextualLogging: true,
  LoggingAlphaOptions: false,
  LoggingBetaOptions: true,
  MultiCIDRServiceAllocator: true,
  NFTablesProxyMode: true,
  NativeHistograms: false,
  PreferSameTrafficDistribution: true,
} as const;

/** The name of a gate that has a meaning here. */
export type GateName = keyof typeof gateDefaults;

/** Gates that are locked on upstream; saying `true` is allowed. */
const lockedGates: readonly GateName[] = ['PreferSameTrafficDistribution', 'MultiCIDRServiceAllocator', 'NFTablesProxyMode'];

/** They switch whole classes of gates upstream; none of ours is in such a class. */
const classGates: readonly string[] = ['AllAlpha', 'AllBeta'];

type Given = Readonly<Record<string, boolean>>;

/** Whether a gate is on: as given, else its default. */
export function isGateOn(given: Given, name: GateName): boolean {
  return given[name] ?? gateDefaults[name];
}

/** Every gate that has a meaning here and whether it is on, by name. */
export function effectiveGates(given: Given): Readonly<Record<GateName, boolean>> {
  const names = Object.keys(gateDefaults) as GateName[];
  return Object.fromEntries(names.map((name) => [name, isGateOn(given, name)])) as Record<GateName, boolean>;
}

/** The check of `featureGates`. */
export function checkGates(given: Given): string | null {
  const off = lockedGates.filter((name) => given[name] === false);
  return off.length === 0 ? null : `must not switch off ${off.join(', ')}, which can no longer be switched`;
}

/**
 * One sentence for each given gate without a meaning here. The reference refuses names that no part of
 * Kubernetes knows; a gate of another component must not keep the agent from starting, so both only warn.
 */
export function describeIdleGates(given: Given): readonly string[] {
  const known = [...Object.keys(gateDefaults), ...classGates];
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = suggestName(name, known);
      return `featureGates: ${name} has no effect here${near === null ? '' : ` (did you mean ${near}?)`}`;
    });
}
