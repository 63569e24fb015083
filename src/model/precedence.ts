import type { ServiceRecord } from './records.ts';

/**
 * Text that is smaller for the Service that has what two ask for: the older one, then by UID, then by name, so that all
 * nodes agree without a word between them.
 */
export function precedenceOf({ createdAt, uid, key }: Pick<ServiceRecord, 'createdAt' | 'uid' | 'key'>): string {
  // One piece of text: a template would keep its parts as well, for each of many Services.
  return [String(createdAt).padStart(12, '0'), uid, key].join('/');
}
