import { expect } from 'vitest';
import { readCorefile } from './corefile.ts';
import type { CorefileOptions } from './corefile.ts';
import type { DnsSettings, ServerBlock } from './settings.ts';
import type { SettingsReading } from './settings-reading.ts';

/** The Corefile that kubeadm writes. */
export const kubeadmCorefile = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
`;

/** The blocks of the node-local cache's ConfigMap, as its manifest has them before anything is filled in. */
export const nodeLocalCorefile = `__PILLAR__DNS__DOMAIN__:53 {
    errors
    cache {
            success 9984 30
            denial 9984 5
    }
    reload
    loop
    bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__
    forward . __PILLAR__CLUSTER__DNS__ {
            force_tcp
    }
    prometheus :9253
    health __PILLAR__LOCAL__DNS__:8080
    }
in-addr.arpa:53 {
    errors
    cache 30
    reload
    loop
    bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__
    forward . __PILLAR__CLUSTER__DNS__ {
            force_tcp
    }
    prometheus :9253
    }
ip6.arpa:53 {
    errors
    cache 30
    reload
    loop
    bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__
    forward . __PILLAR__CLUSTER__DNS__ {
            force_tcp
    }
    prometheus :9253
    }
.:53 {
    errors
    cache 30
    reload
    loop
    bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__
    forward . __PILLAR__UPSTREAM__SERVERS__
    prometheus :9253
    }
`;

export function readText(text: string, options: Partial<CorefileOptions> = {}): SettingsReading {
  return readCorefile(text, { fileName: 'Corefile', env: {}, readImport: () => null, ...options });
}

export function settingsOf(text: string, options: Partial<CorefileOptions> = {}): DnsSettings {
  const reading = readText(text, options);
  return reading.ok ? reading.settings : expect.fail(reading.problems.map(({ message }) => message).join('\n'));
}

/** The only block of a text. */
export function blockOf(text: string, options: Partial<CorefileOptions> = {}): ServerBlock {
  const [block, ...more] = settingsOf(text, options).blocks;
  expect(more).toEqual([]);
  return block ?? expect.fail('no block');
}

/** The only block of a file with these directives. */
export function directives(lines: string, options: Partial<CorefileOptions> = {}): ServerBlock {
  return blockOf(`. {\n${lines}\n}\n`, options);
}

export function problemsOf(text: string, options: Partial<CorefileOptions> = {}): readonly string[] {
  const reading = readText(text, options);
  return reading.ok ? [] : reading.problems.map(({ message }) => message);
}

export function warningsOf(text: string, options: Partial<CorefileOptions> = {}): readonly string[] {
  return readText(text, options).warnings.map(({ message }) => message);
}
