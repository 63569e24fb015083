import { Option } from 'commander';
import { stringify } from 'yaml';
import type { Terminal } from './terminal.ts';

/** How a command prints what programs are to read. */
export type DocumentFormat = 'json' | 'yaml';

/** What a command prints for programs. Fields are added, never changed, under one version. */
export interface PrintedDocument {
  readonly version: number;
  readonly [field: string]: unknown;
}

/** `-o`: for people as `plain`, which is the default, or for programs. */
export function outputOption(plain: 'table' | 'text'): Option {
  return new Option('-o, --output <format>', 'how to print').choices([plain, 'json', 'yaml']).default(plain);
}

/** Prints a document for programs. No line of YAML is folded and no part stands for another. */
export function printDocument(document: PrintedDocument, format: DocumentFormat, { out }: Terminal): void {
  if (format === 'json') out(`${JSON.stringify(document, null, 2)}\n`);
  else out(stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 }));
}
