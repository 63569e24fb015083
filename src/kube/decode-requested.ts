import { parseAddress } from '../model/mod.ts';
import type { Address, AddressRequest } from '../model/mod.ts';
import { fieldOf, noteAnnotation, noteMalformed } from './decode-fields.ts';
import type { Findings } from './decode-fields.ts';
import { isName, shareString } from './decode-names.ts';

const addressesAnnotation = 'waypost.dev/addresses';
const sharingAnnotation = 'waypost.dev/sharing-key';
const poolAnnotation = 'waypost.dev/address-pool';

/** One of each family is used; more only happens by mistake, and a mistake is not to become a list of thousands. */
const mostAddresses = 8;
const longestList = 512;

/**
 * What a Service asks of the allocator of addresses; nothing where it asks for nothing, so that nearly all records have no such
 * field. The annotation counts before `spec.loadBalancerIP`, which core/v1 calls deprecated: it has no place for two families.
 */
export function readAddressRequest(findings: Findings, raw: unknown): { readonly addressRequest?: AddressRequest } {
  const annotations = fieldOf(fieldOf(raw, 'metadata'), 'annotations');
  const addresses = readAddresses(findings, fieldOf(annotations, addressesAnnotation), fieldOf(raw, 'spec'));
  const sharingKey = readName(findings, sharingAnnotation, fieldOf(annotations, sharingAnnotation));
  const pool = readName(findings, poolAnnotation, fieldOf(annotations, poolAnnotation));
  if (addresses.length === 0 && sharingKey === null && pool === null) return {};
  return { addressRequest: { addresses, sharingKey, pool } };
}

function readAddresses(findings: Findings, value: unknown, spec: unknown): readonly Address[] {
  if (value === undefined || value === '') return readOldField(findings, fieldOf(spec, 'loadBalancerIP'));
  if (typeof value !== 'string' || value.length > longestList) {
    noteAnnotation(findings, addressesAnnotation, value, 'addresses joined by commas are needed, it is ignored');
    return [];
  }
  const found: Address[] = [];
  for (const text of value.split(',').map((part) => part.trim())) {
    if (text === '') continue;
    const address = parseAddress(text);
    if (address === null) noteAnnotation(findings, addressesAnnotation, text, 'an address is needed, it is left out');
    else if (found.length >= mostAddresses) {
      noteAnnotation(findings, addressesAnnotation, text, `at most ${mostAddresses} addresses count, it is left out`);
    } else if (!found.includes(address)) found.push(address);
  }
  return found;
}

function readOldField(findings: Findings, value: unknown): readonly Address[] {
  if (value === undefined || value === '') return [];
  const address = typeof value === 'string' ? parseAddress(value.trim()) : null;
  if (address !== null) return [address];
  noteMalformed(findings, 'spec.loadBalancerIP', value, 'an address is needed, none is asked for');
  return [];
}

function readName(findings: Findings, annotation: string, value: unknown): string | null {
  if (value === undefined || value === '') return null;
  if (isName(value)) return shareString(value);
  noteAnnotation(findings, annotation, value, 'a name of letters, digits, dots and dashes is needed, it is ignored');
  return null;
}
