import { describe, expect, it } from 'vitest';
import type { Frontend, PortRange, ServicePublishing } from '../model/mod.ts';
import { Claims } from './claims.ts';
import type { Claim, Claimant } from './claims.ts';
import { address, complaints, port, scene, shape } from './publisher.fixture.ts';
import type { PortShape, Shape } from './publisher.fixture.ts';

const sticky = { affinity: { timeoutSeconds: 60 } };

interface Over {
  readonly publishing?: Partial<ServicePublishing>;
  readonly ranges?: readonly PortRange[];
  readonly sticky?: boolean;
  readonly uid?: string;
}

/** A Service on the shared address; the smaller `age` is the older. */
function at(name: string, createdAt: number, ports: readonly PortShape[], over: Over = {}): Shape {
  const { publishing = {}, ranges = [], uid = '' } = over;
  const service = { createdAt, uid, ...(over.sticky === true ? sticky : {}) };
  return shape({ name, ports, service, publishing: { ...publishing, portRanges: ranges } });
}

function served(frontends: readonly Frontend[]): string[] {
  return frontends
    .filter(({ kind }) => kind === 'LoadBalancerIP')
    .map(({ protocol, port: first, publication }) => {
      const { lastPort = first, rewritePort = null } = publication ?? {};
      const ports = lastPort === first ? String(first) : `${first}-${lastPort}`;
      return `${protocol}/${ports}${rewritePort === null ? '' : `->${rewritePort}`}${publication === null ? ' plain' : ''}`;
    });
}

describe('Services that share an address', () => {
  it('[INGRESS-5] share it where their ports differ', () => {
    const one = scene();
    expect(served(one.publish(at('a', 1, [port(80)])))).toEqual(['TCP/80']);
    expect(served(one.publish(at('b', 2, [port(80, { protocol: 'UDP' }), port(443)])))).toEqual(['UDP/80', 'TCP/443']);
    expect(one.touched).toEqual([]);
  });

  it('[INGRESS-5] the older has the port, whoever came first, and the newer gets it after it', () => {
    const one = scene();
    const older = at('z', 1, [port(80)]);
    const newer = at('a', 2, [port(80), port(443)]);
    expect(served(one.publish(newer))).toEqual(['TCP/80', 'TCP/443']);
    expect(served(one.publish(older))).toEqual(['TCP/80']);
    expect(one.touched).toEqual([['shop/a']]);
    expect(served(one.publish(newer))).toEqual(['TCP/443']);
    expect(complaints(one)).toEqual(['VIPPortConflict: TCP/80 of 203.0.113.5 not published: Service shop/z has it and is older']);
    one.publisher.forget('shop/z', 'IPv4');
    expect(one.touched).toEqual([['shop/a'], ['shop/a']]);
    expect(served(one.publish(newer))).toEqual(['TCP/80', 'TCP/443']);
    one.publisher.forget('shop/z', 'IPv4');
    expect(one.touched).toHaveLength(2);
  });

  it('[INGRESS-5] of the same age the smaller UID has it', () => {
    const one = scene();
    one.publish(at('a', 1, [port(80)], { uid: 'u-2' }));
    expect(served(one.publish(at('b', 1, [port(80)], { uid: 'u-1' })))).toEqual(['TCP/80']);
    expect(served(one.publish(at('a', 1, [port(80)], { uid: 'u-2' })))).toEqual([]);
  });

  it('[INGRESS-5] heals when the older one takes another port, type or class', () => {
    for (const change of [
      at('a', 1, [port(81)]),
      at('a', 1, []),
      { ...at('a', 1, [port(80)]), service: { type: 'ClusterIP' as const } },
    ]) {
      const one = scene();
      one.publish(at('a', 1, [port(80)]));
      expect(served(one.publish(at('b', 2, [port(80)])))).toEqual([]);
      one.publish(change);
      expect(one.touched).toEqual([['shop/b']]);
      expect(served(one.publish(at('b', 2, [port(80)])))).toEqual(['TCP/80']);
    }
  });

  it('[INGRESS-5] in all modes', () => {
    const one = scene({ mode: 'iptables' });
    one.publish(at('a', 1, [port(80)]));
    expect(served(one.publish(at('b', 2, [port(80), port(81)])))).toEqual(['TCP/81 plain']);
  });

  it('[INGRESS-9] ranges stand in the way of ports and of ranges', () => {
    const one = scene();
    const range = (first: number, last: number): Over => ({ ranges: [{ protocol: 'TCP', first, last }] });
    one.publish(at('a', 1, [port(21)], range(1000, 1999)));
    expect(served(one.publish(at('b', 2, [port(1500), port(2500)])))).toEqual(['TCP/2500']);
    expect(served(one.publish(at('c', 3, [port(22)], range(1999, 2100))))).toEqual(['TCP/22']);
    expect(served(one.publish(at('d', 4, [port(23)], range(2000, 2100))))).toEqual(['TCP/23', 'TCP/2000-2100']);
    expect(served(one.publish(at('e', 5, [port(24)], range(2400, 2600))))).toEqual(['TCP/24']);
  });

  it('bounds what it says', () => {
    const many = Array.from({ length: 12 }, (_, index) => port(100 + index));
    const one = scene();
    one.publish(at('a', 1, many));
    one.publish(at('b', 2, many));
    expect(complaints(one)).toEqual([
      'VIPPortConflict: TCP/100, TCP/101, TCP/102, TCP/103, TCP/104, TCP/105, TCP/106, TCP/107 and 4 more of 203.0.113.5 ' +
        'not published: Service shop/a has it and is older',
    ]);
  });

  it('[INGRESS-12] a port that another Service publishes is not rewritten to, even by an older one', () => {
    const one = scene();
    const older = at('a', 1, [port(80, { target: 8080 })], { sticky: true });
    expect(served(one.publish(older))).toEqual(['TCP/80->8080']);
    expect(served(one.publish(at('b', 2, [port(8080)])))).toEqual(['TCP/8080']);
    expect(one.touched).toEqual([['shop/a']]);
    expect(served(one.publish(older))).toEqual(['TCP/80 plain']);
    expect(complaints(one)).toEqual([
      'AffinityScopeReduced: TCP/80: it is served by address with the session affinity of the Service itself, ' +
        'because TCP/80 goes to port 8080, which Service shop/b has on the same address',
    ]);
    one.publisher.forget('shop/b', 'IPv4');
    expect(served(one.publish(older))).toEqual(['TCP/80->8080']);
  });

  it('[INGRESS-12] two Services rewrite to one port of an address: the older does', () => {
    const one = scene();
    const whole = { publishing: { affinityScope: 'service' } } as const;
    const older = at('a', 1, [port(80, { target: 8080 }), port(443)], whole);
    const newer = at('b', 2, [port(81, { target: 8080 }), port(444)], whole);
    expect(served(one.publish(newer))).toEqual(['TCP/81->8080', 'TCP/444']);
    expect(served(one.publish(older))).toEqual(['TCP/80->8080', 'TCP/443']);
    expect(one.touched).toEqual([['shop/b']]);
    expect(served(one.publish(newer))).toEqual(['TCP/81', 'TCP/444']);
  });

  it("one that lost a port stands in nobody's way there", () => {
    const claims = new Claims();
    const claimant = (service: string): Claimant => ({ service, precedence: service });
    const claim = (first: number, last: number): Claim => ({
      use: 'published',
      address: address('203.0.113.5'),
      protocol: 'TCP',
      first,
      last,
    });
    claims.replace(claimant('a'), [claim(1, 100)]);
    claims.replace(claimant('b'), [claim(50, 150)]);
    expect(claims.replace(claimant('c'), [claim(120, 120)])).toEqual(new Set());
    expect([claims.rivalOf('b', claim(50, 150)), claims.rivalOf('c', claim(120, 120))]).toEqual(['a', null]);
    expect(claims.replace(claimant('a'), [])).toEqual(new Set(['b', 'c']));
    expect([claims.rivalOf('b', claim(50, 150)), claims.rivalOf('c', claim(120, 120))]).toEqual([null, 'b']);
  });
});
