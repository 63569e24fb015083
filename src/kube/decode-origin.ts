import { fieldOf, noteMalformed } from './decode-fields.ts';
import type { Findings } from './decode-fields.ts';
import { isName } from './decode-names.ts';
import { parseTimestamp } from './decode-time.ts';

/** What tells an object from another that had its name before, and which of two is the older. */
interface Origin {
  readonly createdAt: number;
  readonly uid: string;
}

/** `metadata.creationTimestamp` in seconds since 1970 and `metadata.uid`; 0 and empty where a manifest has none. */
export function readOrigin(findings: Findings, metadata: unknown): Origin {
  return {
    createdAt: readCreation(findings, fieldOf(metadata, 'creationTimestamp')),
    uid: readUid(findings, fieldOf(metadata, 'uid')),
  };
}

function readCreation(findings: Findings, value: unknown): number {
  if (value === undefined) return 0;
  const time = parseTimestamp(value);
  if (time !== null) return Math.max(0, Math.floor(time / 1000));
  noteMalformed(findings, 'metadata.creationTimestamp', value, 'an RFC 3339 time is needed, the Service counts as the oldest');
  return 0;
}

/** As it is: the API server makes UUIDs, but promises no more than text. It goes into comments of the kernel's rules. */
function readUid(findings: Findings, value: unknown): string {
  if (value === undefined || value === '') return '';
  if (isName(value)) return value;
  noteMalformed(findings, 'metadata.uid', value, 'letters, digits, -, . and _ are needed, it is ignored');
  return '';
}
