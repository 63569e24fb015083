/**
 * Configuration: KubeProxyConfiguration v1alpha1, our own document and the flags of `waypost run`, with
 * defaults, precedence and validation that names file and line. One table, `fields`, holds every field.
 */
export { describeFields } from './describe-fields.ts';
export type { FieldDescription } from './describe-fields.ts';
export { describeFlags } from './describe-flags.ts';
export { diffSettings } from './diff-settings.ts';
export type { SettingChange } from './diff-settings.ts';
export type { DnsChoices, EffectiveConfig, ListenAddress } from './effective-config.ts';
export { agentSocket } from './fields.ts';
export type { FieldPath, Settings } from './fields.ts';
export type { DirectReturnSettings, IngressSettings } from './ingress-settings.ts';
export { loadConfig, makeConfig } from './load-config.ts';
export type { Loaded } from './load-config.ts';
export { bareFlags, flagSpecs } from './process-flags.ts';
export type { FlagSpec } from './process-flags.ts';
export type { FlagTexts, ProcessFlags } from './read-flags.ts';
export { suggestName } from './suggest-name.ts';
export { describeSettings, writeConfig } from './write-config.ts';
