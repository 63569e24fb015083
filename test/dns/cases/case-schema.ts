import * as v from 'valibot';

/** Shapes of the case files. An unknown key is an error: a misspelt expectation would expect nothing. */

const texts = v.array(v.string());
const labels = v.record(v.string(), v.string());

const endpoint = v.union([
  v.string(),
  v.strictObject({
    address: v.string(),
    hostname: v.optional(v.string()),
    pod: v.optional(v.string()),
    zone: v.optional(v.string()),
  }),
]);

const slice = v.strictObject({
  /** `http 8080/TCP`, or `8080/TCP` for a port without a name. */
  ports: v.optional(texts, []),
  endpoints: v.array(endpoint),
  labels: v.optional(labels, {}),
});

const service = v.strictObject({
  /** `namespace/name`. */
  service: v.string(),
  clusterIps: v.optional(texts),
  headless: v.optional(v.literal(true)),
  externalName: v.optional(v.string()),
  ports: v.optional(texts, []),
  slices: v.optional(v.array(slice), []),
  labels: v.optional(labels, {}),
});

const cluster = v.strictObject({
  synced: v.optional(v.boolean(), true),
  /** Seconds since 1970. */
  at: v.optional(v.number(), 1_700_000_000),
  namespaces: v.array(v.union([v.string(), v.strictObject({ name: v.string(), labels })])),
  services: v.optional(v.array(service), []),
  pods: v.optional(
    v.array(
      v.strictObject({
        /** `namespace/name`. */
        pod: v.string(),
        addresses: texts,
        local: v.optional(v.boolean(), false),
        labels: v.optional(labels, {}),
      }),
    ),
    [],
  ),
});

const selector = v.array(
  v.variant('operator', [
    v.strictObject({ label: v.string(), operator: v.picklist(['in', 'not-in']), values: texts }),
    v.strictObject({ label: v.string(), operator: v.picklist(['exists', 'not-exists']) }),
  ]),
);

/** KubernetesSettings with names as text, and what the resolver knows of itself. */
const settings = v.strictObject({
  zones: v.optional(texts, ['cluster.local.']),
  reverseZones: v.optional(texts, ['in-addr.arpa.', 'ip6.arpa.']),
  ttl: v.optional(v.number(), 30),
  pods: v.optional(v.picklist(['disabled', 'insecure', 'verified']), 'insecure'),
  endpointPodNames: v.optional(v.boolean(), false),
  wildcards: v.optional(v.boolean(), false),
  zonal: v.optional(v.boolean(), false),
  ignoreEmptyService: v.optional(v.boolean(), false),
  noEndpoints: v.optional(v.boolean(), false),
  fallthrough: v.optional(texts, ['in-addr.arpa.', 'ip6.arpa.']),
  namespaces: v.optional(texts),
  namespaceLabels: v.optional(selector),
  labels: v.optional(selector),
  preferSameZone: v.optional(v.boolean(), false),
  nodeZone: v.optional(v.string()),
  serverAddresses: v.optional(texts, ['169.254.20.10', 'fd00::a']),
  selfService: v.optional(v.string()),
});

const expectation = v.strictObject({
  /** `web.shop.svc.cluster.local. A`; several types behind commas, or several questions that get the same answer. */
  ask: v.union([v.string(), texts]),
  /** Numbers of the checklist, specification 25. */
  item: v.optional(v.union([v.number(), v.array(v.number())])),
  rcode: v.optional(v.string(), 'NOERROR'),
  flags: v.optional(v.array(v.literal('aa')), ['aa']),
  answer: v.optional(texts, []),
  /** Left out: for a denial the SOA of the zone, else nothing. */
  authority: v.optional(texts),
  additional: v.optional(texts, []),
  /** The end of a chain outside our zones; without an upstream what `answer` has is the whole answer. */
  chase: v.optional(v.string()),
  /** Not ours: the next stage is asked, and without one the question is refused. */
  next: v.optional(v.literal(true)),
});

export const caseFile = v.strictObject({
  about: v.string(),
  settings: v.optional(settings, {}),
  cluster,
  /** Items of the checklist that all cases of the file concern. */
  item: v.optional(v.union([v.number(), v.array(v.number())]), []),
  cases: v.array(expectation),
});

export type ExpectationText = v.InferOutput<typeof expectation>;
export type SettingsText = v.InferOutput<typeof settings>;
export type ClusterText = v.InferOutput<typeof cluster>;
