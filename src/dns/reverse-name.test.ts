import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../model/mod.ts';
import { formatName } from './name.ts';
import { reverseNameOf } from './reverse-name.fixture.ts';
import { parseReverseName } from './reverse-name.ts';
import { formatRaw, packAddress } from './zone-address.ts';
import { toAddress, toName } from './zone.fixture.ts';

const octet = fc.nat({ max: 255 });
const anyRaw = fc.oneof(fc.array(octet, { minLength: 4, maxLength: 4 }), fc.array(octet, { minLength: 16, maxLength: 16 }));

describe('parseReverseName', () => {
  it('[DNS-66] reads the name of any address', () => {
    fc.assert(
      fc.property(anyRaw, (octets) => {
        const raw = String.fromCharCode(...octets);
        expect(parseReverseName(reverseNameOf(raw))).toBe(raw);
      }),
    );
  });

  it('[DNS-66] has the octets the right way round', () => {
    expect(formatName(reverseNameOf(packAddress(toAddress('10.96.0.80'))))).toBe('80.0.96.10.in-addr.arpa.');
    expect(formatName(reverseNameOf(packAddress(toAddress('2001:db8::1'))))).toBe(
      '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.',
    );
    expect(formatRaw(parseReverseName(toName('80.0.96.10.in-addr.arpa.')) ?? '')).toBe('10.96.0.80');
  });

  it.each([
    'in-addr.arpa.',
    'arpa.',
    '.',
    '96.10.in-addr.arpa.',
    '1.80.0.96.10.in-addr.arpa.',
    '080.0.96.10.in-addr.arpa.',
    '256.0.96.10.in-addr.arpa.',
    '+1.0.96.10.in-addr.arpa.',
    '1e1.0.96.10.in-addr.arpa.',
    '80.0.96.10.in-addr.arpa.example.',
    '80\\.0.96.10.in-addr.arpa.',
    '80.0.96.10.ip6.arpa.',
    `${'0.'.repeat(31)}ip6.arpa.`,
    `${'0.'.repeat(33)}ip6.arpa.`,
    `g.${'0.'.repeat(31)}ip6.arpa.`,
    `${'00.'.repeat(16)}${'0.'.repeat(16)}ip6.arpa.`,
  ])('[DNS-69] %s is no complete reverse name', (text) => {
    expect(parseReverseName(toName(text))).toBeNull();
  });

  it('the fixture and the model agree on text', () => {
    expect(formatAddress(Uint8Array.of(10, 96, 0, 80))).toBe(formatRaw('\u000a\u0060\u0000\u0050'));
  });
});
