import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { labConfig } from '../lab/config.ts';
import { writeManifest } from '../lab/mod.ts';
import { namespaceObject, kubeDnsObjects, serviceIn, slicesIn } from '../dns/system-lab.ts';
import { nodeObject, ready } from '../packets/objects.ts';
import type { NodeMode } from './read-mark.ts';

const http = [{ name: 'http', protocol: 'TCP', port: 80 }] as const;

/** What the pages ask for: the Service shop/web with back ends, shop/api without, and cluster DNS. */
const cluster = [
  nodeObject(),
  namespaceObject('shop'),
  namespaceObject('kube-system'),
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'client', namespace: 'shop' },
    spec: { nodeName: 'node-1' },
    status: { phase: 'Running', podIP: '10.244.1.10', podIPs: [{ ip: '10.244.1.10' }] },
  },
  ...kubeDnsObjects(10),
  serviceIn('shop', 'web', 80, { ports: http }),
  ...slicesIn('shop', 'web', [ready('p1'), ready('q1')], { ports: http }),
  serviceIn('shop', 'api', 20, { ports: http }),
];

const corefile = `.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods verified
        fallthrough in-addr.arpa ip6.arpa
    }
    autopath @kubernetes
    hosts {
        198.51.100.80 www.example.com
        fallthrough
    }
    prometheus :9153
    cache 30 {
        disable success cluster.local
        disable denial cluster.local
    }
}
`;

/** Writes a cluster's manifests and what stands in /etc/coredns and /var/lib/kube-proxy of a node. */
export async function writeNodeFiles(
  folder: string,
  mode: NodeMode,
): Promise<{ readonly manifests: string; readonly files: string }> {
  const manifests = join(folder, 'manifests');
  const files = join(folder, mode);
  await mkdir(manifests, { recursive: true });
  await mkdir(join(files, 'coredns'), { recursive: true });
  await mkdir(join(files, 'lib', 'kube-proxy'), { recursive: true });
  await writeManifest(manifests, 'cluster.json', cluster);
  await writeFile(join(files, 'coredns', 'Corefile'), corefile);
  await writeFile(join(files, 'lib', 'kube-proxy', 'config.conf'), JSON.stringify(labConfig({ mode })));
  return { manifests, files };
}
