import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressBytes, formatAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { bytesOf, dashedLabel, formatRaw, packAddress, parseDashedLabel } from './zone-address.ts';
import type { ZoneEndpoint, ZonePort, ZoneSlice } from './zone-input.ts';
import { packPorts, packSlices, unpackAddresses, unpackPorts, unpackSlices } from './zone-pack.ts';
import { makeEndpoint, makeSlice, toAddress } from './zone.fixture.ts';

const octet = fc.nat({ max: 255 });
const anyAddress: fc.Arbitrary<Address> = fc
  .oneof(fc.array(octet, { minLength: 4, maxLength: 4 }), fc.array(octet, { minLength: 16, maxLength: 16 }))
  .map((octets) => formatAddress(Uint8Array.from(octets)));
const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
const anyPort: fc.Arbitrary<ZonePort> = fc.record({
  name: fc.oneof(fc.constant(''), label),
  protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'),
  port: fc.integer({ min: 1, max: 65535 }),
});
const anyEndpoint: fc.Arbitrary<ZoneEndpoint> = fc.record({
  address: anyAddress,
  hostname: fc.option(label),
  podName: fc.option(label),
  zone: fc.option(label),
});
const anySlice: fc.Arbitrary<ZoneSlice> = fc.record({
  ports: fc.array(anyPort, { maxLength: 4 }),
  endpoints: fc.array(anyEndpoint, { maxLength: 4 }),
  labels: fc.constant({}),
});

describe('packed slices', () => {
  it('[DNS-41][DNS-52] give back what was packed', () => {
    fc.assert(
      fc.property(fc.array(anySlice, { maxLength: 3 }), fc.boolean(), fc.boolean(), (slices, podNames, zones) => {
        const packed = packSlices(slices, { podNames, zones });
        const kept = slices.filter(({ endpoints }) => endpoints.length > 0);
        expect(unpackSlices(packed)).toEqual(
          kept.map(({ ports, endpoints }) => ({
            ports,
            endpoints: endpoints.map(({ address, hostname, podName, zone }) => ({
              address: packAddress(address),
              label: hostname ?? (podNames ? podName : null) ?? dashedLabel(packAddress(address)),
              zone: zones ? zone : null,
            })),
          })),
        );
        const addresses = kept.flatMap(({ endpoints }) => endpoints.map(({ address }) => packAddress(address)));
        expect(unpackAddresses(packed)).toEqual(new Set(addresses));
      }),
    );
  });

  it('ports alone too', () => {
    fc.assert(
      fc.property(fc.array(anyPort, { maxLength: 5 }), (ports) => {
        expect(unpackPorts(packPorts(ports))).toEqual(ports);
      }),
    );
  });

  it('[DNS-57] a thousand endpoints take a few octets each', () => {
    const addresses = Array.from({ length: 1000 }, (_, index) => `10.1.${index >> 8}.${index & 255}`);
    const packed = packSlices([makeSlice(addresses)], { podNames: false, zones: false });
    expect(packed.length).toBe(4 + 5 * 1000);
    expect(unpackAddresses(packed).size).toBe(1000);
  });

  it('[DNS-52][DNS-115] takes no label that would not be one', () => {
    const long = 'a'.repeat(64);
    const labelsOf = (endpoint: ZoneEndpoint) =>
      unpackSlices(packSlices([{ ports: [], endpoints: [endpoint], labels: {} }], { podNames: true, zones: true }))[0]
        ?.endpoints[0]?.label;
    expect(labelsOf(makeEndpoint('10.0.0.1', { hostname: '', podName: long }))).toBe('10-0-0-1');
    expect(labelsOf(makeEndpoint('10.0.0.1', { hostname: long, podName: 'pod' }))).toBe('pod');
    expect(labelsOf(makeEndpoint('10.0.0.1', { podName: 'a.b' }))).toBe('10-0-0-1');
    expect(labelsOf(makeEndpoint('10.0.0.1', { hostname: 'Web' }))).toBe('web');
  });
});

describe('addresses as octets', () => {
  it('are those of the model, and so is their text', () => {
    fc.assert(
      fc.property(anyAddress, (address) => {
        expect(bytesOf(packAddress(address))).toEqual(addressBytes(address));
        expect(formatRaw(packAddress(address))).toBe(address);
      }),
    );
  });

  it('[DNS-52][DNS-72] the dashed label of an address leads back to it', () => {
    fc.assert(
      fc.property(anyAddress, (address) => {
        const raw = packAddress(address);
        expect(dashedLabel(raw)).toMatch(/^[0-9a-f-]*[0-9a-f]$/);
        expect(parseDashedLabel(dashedLabel(raw))).toBe(raw);
      }),
    );
    expect(dashedLabel(packAddress(toAddress('fd00:1::')))).toBe('fd00-1--0');
    expect(dashedLabel(packAddress(toAddress('::')))).toBe('--0');
  });
});
