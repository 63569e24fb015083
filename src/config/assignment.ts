import type { Problem } from '../model/mod.ts';
import type { ValueKind, ValueKinds } from './field.ts';
import type { FieldPath } from './fields.ts';

/** A value that a file or a flag gives a field, and where it stands: `config.yaml:12` or `--proxy-mode`. */
export interface Assignment {
  readonly path: FieldPath;
  readonly value: ValueKinds[ValueKind];
  readonly origin: string;
}

/** What reading one source of configuration gave. Any problem is fatal, in the end; warnings are not. */
export interface Reading {
  readonly assignments: readonly Assignment[];
  /** The manifests folder that our own document names, or null. */
  readonly manifests: string | null;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}
