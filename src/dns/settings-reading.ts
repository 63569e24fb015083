import type { Problem } from '../model/mod.ts';
import type { DnsSettings } from './settings.ts';

/** What became of a configuration that was read: settings, or everything that is wrong with it. */
export type SettingsReading =
  | { readonly ok: true; readonly settings: DnsSettings; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

/** A text and the name of the file that it is from, which messages begin with. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** What a reader has found so far. */
export interface Notes {
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

export function newNotes(): Notes {
  return { problems: [], warnings: [] };
}

/** The result, where there are no problems. */
export function concludeReading(notes: Notes, settings: () => DnsSettings): SettingsReading {
  const { problems, warnings } = notes;
  return problems.length > 0 ? { ok: false, problems, warnings } : { ok: true, settings: settings(), warnings };
}
